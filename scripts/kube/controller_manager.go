package main

import "k8s.io/kubernetes/cmd/kube-controller-manager/app"

func init() { components["kube-controller-manager"] = app.NewControllerManagerCommand }
