package main

import (
	"encoding/json"
	"fmt"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// objects builds a kustomization and decodes each object into its typed struct: an unknown kind, an unknown or doubled
// field and a value of the wrong type are errors, as with `kubectl apply --validate=strict`.
func objects(folder string) ([]json.RawMessage, error) {
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), folder)
	if err != nil {
		return nil, err
	}
	known := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{scheme.AddToScheme, monitoring.AddToScheme} {
		if err := add(known); err != nil {
			return nil, err
		}
	}
	decoder := serializer.NewCodecFactory(known, serializer.EnableStrict).UniversalDeserializer()
	made := []json.RawMessage{}
	for _, one := range built.Resources() {
		text, err := one.AsYAML()
		if err != nil {
			return nil, err
		}
		if _, _, err := decoder.Decode(text, nil, nil); err != nil {
			return nil, fmt.Errorf("%s %s: %w", one.GetKind(), one.GetName(), err)
		}
		plain, err := one.MarshalJSON()
		if err != nil {
			return nil, err
		}
		made = append(made, plain)
	}
	return made, nil
}
