package main

import "loop/mpp"

func loop(call *mpp.Call) error {
	n := call.Integer("n", 0)
	x, sum := uint32(2463534242), uint32(0)
	for range n {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		sum += x & 255
	}
	call.Put("sum", sum)
	return nil
}

func main() {
	mpp.Serve(mpp.Tools{"loop": loop})
}
