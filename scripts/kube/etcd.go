package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func init() { raw["etcd"] = func() { etcdmain.Main(os.Args) } }
