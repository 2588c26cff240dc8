"""From a decoded batch to the columns of the tables, by kernels over whole batches."""
