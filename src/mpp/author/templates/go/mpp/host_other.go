//go:build !wasip1

package mpp

// Without a sandbox there is no host: a tool can be tried, its calls are refused.
func hostCall(_, _ []byte) int { return hostError - 4 }
