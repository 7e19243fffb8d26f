// Package mpphttp lets the usual client of net/http work inside the sandbox: its requests go through the host, which holds them to
// the network rules of the manifest and follows no redirect for it.
//
// SPDX-License-Identifier: Apache-2.0
package mpphttp

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"time"

	"mpp"
)

// Transport is an http.RoundTripper over the host.
type Transport struct{}

// Client is a client whose requests go through the host.
var Client = &http.Client{Transport: Transport{}}

// RoundTrip makes one request. A deadline of its context becomes the time that the host gives it.
func (Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	asked := mpp.Request{URL: request.URL.String(), Method: request.Method, Redirect: "manual"}
	for name, values := range request.Header {
		for _, value := range values {
			asked.Headers = append(asked.Headers, mpp.Header{Name: name, Value: value})
		}
	}
	if request.Body != nil && request.Body != http.NoBody {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return nil, err
		}
		_ = request.Body.Close()
		asked.Body = body
	}
	if until, ok := request.Context().Deadline(); ok {
		asked.TimeoutMS = max(1, int(time.Until(until).Milliseconds()))
	}
	got, err := mpp.Fetch(asked)
	if err != nil {
		return nil, err
	}
	header := http.Header{}
	for _, one := range got.Headers {
		header.Add(one.Name, one.Value)
	}
	return &http.Response{
		Status:        fmt.Sprintf("%d %s", got.Status, http.StatusText(got.Status)),
		StatusCode:    got.Status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        header,
		Body:          io.NopCloser(bytes.NewReader(got.Body)),
		ContentLength: int64(len(got.Body)),
		Request:       request,
	}, nil
}
