package mpp

import (
	"strings"
)

// HostError is what the host refused. Code is one of the call contract, such as "not_granted" or "quota"; one that is new counts as
// "unavailable".
type HostError struct {
	Code, Message string
}

func (e *HostError) Error() string { return e.Code + ": " + e.Message }

var unreadable = &HostError{"unavailable", "the host's answer cannot be read"}

const (
	hostError = -(1 << 30)
	hostRoom  = 65536
)

// Host calls any method of the host.
func Host(method string, params map[string]any) (map[string]any, error) {
	request, err := marshal(map[string]any{"method": method, "params": params})
	if err != nil {
		return nil, err
	}
	answer, err := ask(request)
	if err != nil {
		return nil, err
	}
	found, _ := parse(answer)
	whole, _ := found.(map[string]any)
	if refused, ok := whole["error"].(map[string]any); ok {
		return nil, &HostError{text(refused, "code"), text(refused, "message")}
	}
	result, ok := whole["result"].(map[string]any)
	if !ok {
		return nil, unreadable
	}
	return result, nil
}

// One that needs more room is kept by the host and fetched; the request is not sent again.
func ask(request []byte) ([]byte, error) {
	room := make([]byte, hostRoom)
	size := hostCall(request, room)
	if size < 0 && size >= hostError {
		room = make([]byte, -size)
		size = hostCall(nil, room)
	}
	if size == hostError-4 {
		return nil, &HostError{"unavailable", "there is no host to call"}
	}
	if size < 0 {
		return nil, &HostError{"unavailable", "the call to the host failed"}
	}
	return room[:size], nil
}

func flag(result map[string]any, err error, key string) (bool, error) {
	if err != nil {
		return false, err
	}
	found, ok := result[key].(bool)
	if !ok {
		return false, unreadable
	}
	return found, nil
}

// Keys are the keys of one tool, or, as Shared, of all tools of the package.
type Keys struct{ scope string }

// Shared are the keys that all tools of the package have in common.
var Shared = Keys{scope: "package"}

func (k Keys) ask(method string, params map[string]any) (map[string]any, error) {
	if k.scope != "" {
		params["scope"] = k.scope
	}
	return Host(method, params)
}

// KVGet is the value under a key of this tool, and whether there is one.
func KVGet(key string) ([]byte, bool, error) { return Keys{}.Get(key) }

// KVSet stores a value.
func KVSet(key string, value []byte) error { return Keys{}.Set(key, value) }

// KVSetIf stores a value only if the present one equals expect; with nil, only if there is none. It says whether it did.
func KVSetIf(key string, value, expect []byte) (bool, error) { return Keys{}.SetIf(key, value, expect) }

// KVDelete removes a key and says whether it was there.
func KVDelete(key string) (bool, error) { return Keys{}.Delete(key) }

// KVList is the keys in order, and whether there are more.
func KVList(wanted List) ([]string, bool, error) { return Keys{}.List(wanted) }

// Get is as KVGet.
func (k Keys) Get(key string) ([]byte, bool, error) {
	result, err := k.ask("kv.get", map[string]any{"key": key})
	if err != nil {
		return nil, false, err
	}
	encoded, there := result["value"].(string)
	if !there {
		return nil, false, nil
	}
	value, ok := FromBase64(encoded)
	if !ok {
		return nil, false, unreadable
	}
	return value, true, nil
}

// Set is as KVSet.
func (k Keys) Set(key string, value []byte) error {
	result, err := k.ask("kv.set", map[string]any{"key": key, "value": Base64(value)})
	_, err = flag(result, err, "stored")
	return err
}

// SetIf is as KVSetIf.
func (k Keys) SetIf(key string, value, expect []byte) (bool, error) {
	params := map[string]any{"key": key, "value": Base64(value), "expect": nil}
	if expect != nil {
		params["expect"] = Base64(expect)
	}
	result, err := k.ask("kv.set", params)
	return flag(result, err, "stored")
}

// Delete is as KVDelete.
func (k Keys) Delete(key string) (bool, error) {
	result, err := k.ask("kv.delete", map[string]any{"key": key})
	return flag(result, err, "existed")
}

// List says which keys are wanted; what is empty or 0 is not sent.
type List struct {
	Prefix, After string
	Limit         int
}

// List is as KVList.
func (k Keys) List(wanted List) ([]string, bool, error) {
	params := map[string]any{}
	if wanted.Prefix != "" {
		params["prefix"] = wanted.Prefix
	}
	if wanted.After != "" {
		params["after"] = wanted.After
	}
	if wanted.Limit != 0 {
		params["limit"] = wanted.Limit
	}
	result, err := k.ask("kv.list", params)
	more, err := flag(result, err, "more")
	if err != nil {
		return nil, false, err
	}
	items, _ := result["keys"].([]any)
	keys := make([]string, 0, len(items))
	for _, item := range items {
		key, _ := item.(string)
		keys = append(keys, key)
	}
	return keys, more, nil
}

// Header is one header of a request or a response.
type Header struct{ Name, Value string }

// Request is one request over HTTP; what is empty, nil or 0 is not sent.
type Request struct {
	URL, Method string // Method empty: GET
	Headers     []Header
	Body        []byte // nil: none
	TimeoutMS   int
	Redirect    string // "follow" or "manual"
}

// Response is what a server answered, whatever the status.
type Response struct {
	Status  int
	URL     string
	Headers []Header
	Body    []byte
}

// Header is the first header of that name, whatever its case.
func (r *Response) Header(name string) (string, bool) {
	for _, one := range r.Headers {
		if strings.EqualFold(one.Name, name) {
			return one.Value, true
		}
	}
	return "", false
}

// Fetch makes one request through the host, which holds it to the network rules of the manifest.
func Fetch(request Request) (*Response, error) {
	params := map[string]any{"method": request.Method, "url": request.URL}
	if request.Method == "" {
		params["method"] = "GET"
	}
	if len(request.Headers) > 0 {
		pairs := [][2]string{}
		for _, one := range request.Headers {
			pairs = append(pairs, [2]string{one.Name, one.Value})
		}
		params["headers"] = pairs
	}
	if request.Body != nil {
		params["body"] = Base64(request.Body)
	}
	if request.TimeoutMS > 0 {
		params["timeout_ms"] = request.TimeoutMS
	}
	if request.Redirect != "" {
		params["redirect"] = request.Redirect
	}
	result, err := Host("http.fetch", params)
	if err != nil {
		return nil, err
	}
	return response(result)
}

func response(result map[string]any) (*Response, error) {
	status, ok := AsInteger(result["status"])
	body, okBody := FromBase64(text(result, "body"))
	if !ok || !okBody {
		return nil, unreadable
	}
	found := &Response{Status: int(status), URL: text(result, "url"), Body: body}
	pairs, _ := result["headers"].([]any)
	for _, item := range pairs {
		if pair, _ := item.([]any); len(pair) == 2 {
			name, _ := pair[0].(string)
			value, _ := pair[1].(string)
			found.Headers = append(found.Headers, Header{name, value})
		}
	}
	return found, nil
}

// Token is a statement signed by the host about this call, for the back end audience.
func Token(audience string) (string, error) {
	result, err := Host("context.get", map[string]any{"audience": audience})
	if err != nil {
		return "", err
	}
	return text(result, "token"), nil
}

// Log writes a line for the log of the host: "debug", "info", "warning", "error". A host that does not take it changes nothing.
func Log(level, message string) {
	_, _ = Host("log", map[string]any{"level": level, "message": message})
}

// Progress says how far the tool is; total below 0: not known.
func Progress(done, total float64, message string) {
	params := map[string]any{"progress": done}
	if total >= 0 {
		params["total"] = total
	}
	if message != "" {
		params["message"] = message
	}
	_, _ = Host("progress", params)
}
