// Command kube is every Kubernetes component in one binary: kube <component> [flags], or by argv[0].
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
)

var (
	components = map[string]func() *cobra.Command{}
	raw        = map[string]func(){}
)

func main() {
	name := filepath.Base(os.Args[0])
	mk, run := components[name], raw[name]
	if mk == nil && run == nil && len(os.Args) > 1 {
		name = os.Args[1]
		mk, run = components[name], raw[name]
		os.Args = append([]string{name}, os.Args[2:]...)
	}
	if run != nil {
		run()
		return
	}
	if mk == nil {
		fmt.Fprintln(os.Stderr, "usage: kube etcd|kubectl|kube-apiserver|kube-controller-manager|kube-scheduler|kubelet [flags]")
		os.Exit(2)
	}
	os.Exit(cli.Run(mk()))
}
