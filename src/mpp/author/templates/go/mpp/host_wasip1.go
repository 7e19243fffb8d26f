package mpp

import "unsafe"

//go:wasmimport mpp_host call
func imported(request unsafe.Pointer, size int32, room unsafe.Pointer, capacity int32) int32

func hostCall(request, room []byte) int {
	return int(imported(unsafe.Pointer(unsafe.SliceData(request)), int32(len(request)), unsafe.Pointer(unsafe.SliceData(room)), int32(len(room))))
}
