// Reads one statement over ClickHouse's HTTP protocol with clickhouse-go and prints its rows as JSON lines.
// usage: read ADDRESS COMPRESSION TOKEN STATEMENT    compression: none gzip deflate br lz4 zstd
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

var methods = map[string]clickhouse.CompressionMethod{
	"none": clickhouse.CompressionNone, "gzip": clickhouse.CompressionGZIP, "deflate": clickhouse.CompressionDeflate,
	"br": clickhouse.CompressionBrotli, "lz4": clickhouse.CompressionLZ4, "zstd": clickhouse.CompressionZSTD,
}

func main() {
	if err := read(os.Args[1], os.Args[2], os.Args[3], os.Args[4]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// The options are those that Grafana's ClickHouse plugin sets for the protocol "http".
func read(address, compression, token, statement string) error {
	connection, err := clickhouse.Open(&clickhouse.Options{
		Addr:        []string{address},
		Auth:        clickhouse.Auth{Database: "handspan", Username: "default", Password: token},
		Compression: &clickhouse.Compression{Method: methods[compression]},
		DialTimeout: 10 * time.Second,
		ReadTimeout: 60 * time.Second,
		Protocol:    clickhouse.HTTP,
		Settings:    clickhouse.Settings{"max_execution_time": 60},
		ClientInfo:  clickhouse.ClientInfo{},
	})
	if err != nil {
		return err
	}
	defer connection.Close()
	if err := connection.Ping(context.Background()); err != nil {
		return err
	}
	rows, err := connection.Query(context.Background(), statement)
	if err != nil {
		return err
	}
	defer rows.Close()
	values := make([]any, len(rows.Columns()))
	for i, column := range rows.ColumnTypes() {
		values[i] = reflect.New(column.ScanType()).Interface()
	}
	out := json.NewEncoder(os.Stdout)
	for rows.Next() {
		if err := rows.Scan(values...); err != nil {
			return err
		}
		if err := out.Encode(values); err != nil {
			return err
		}
	}
	return rows.Err()
}
