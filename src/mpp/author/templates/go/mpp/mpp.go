// Package mpp is the adapter between an MPP host and a tool written in Go.
//
// The host starts the tool once per call; Serve reads the request line, calls the function of the tool that was named, and writes
// the reply line. Standard output belongs to the reply: while a tool runs, os.Stdout is standard error.
//
// SPDX-License-Identifier: Apache-2.0
package mpp

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
)

// Limits of a request. Beyond them it gets an error reply.
const (
	LineMax   = 1 << 20 // bytes of the request line: bounds memory
	ValuesMax = 65536   // JSON values in it: bounds memory
	DepthMax  = 32      // levels of nesting: bounds the stack
)

// Codes of error replies.
const (
	codeParse    = -32700
	codeRequest  = -32600
	codeMethod   = -32601
	codeParams   = -32602
	codeInternal = -32603
)

// Tools are the functions of a package, by the names of its manifest. An error that one returns tells the caller why the tool could
// not do it; a *Reject becomes an error reply.
type Tools map[string]func(*Call) error

// Reject is an error reply: the tool cannot handle the request at all.
type Reject struct {
	Code    int64
	Message string
	Data    any // nil: none
}

func (r *Reject) Error() string { return r.Message }

// Fail makes the error that tells the caller why, in words.
func Fail(format string, parts ...any) error { return fmt.Errorf(format, parts...) }

// Call is one call: its arguments and its answer.
type Call struct {
	Tool      string
	Arguments map[string]any // values are nil, bool, json.Number, string, []any, map[string]any
	Meta      map[string]any

	content    []map[string]any
	structured map[string]any
	questions  map[string]any
	fault      error
}

// Text is the argument of that name, or the fallback when it is absent. When it has another type, the call fails and says so.
func (c *Call) Text(key, fallback string) string {
	return argument(c, key, "a string", fallback, func(v any) (string, bool) { s, ok := v.(string); return s, ok })
}

// Integer is as Text, for integers of 64 bits.
func (c *Call) Integer(key string, fallback int64) int64 {
	return argument(c, key, "an integer of at most 64 bits", fallback, AsInteger)
}

// Number is as Text, for any number.
func (c *Call) Number(key string, fallback float64) float64 {
	return argument(c, key, "a number", fallback, func(v any) (float64, bool) {
		n, ok := v.(json.Number)
		if !ok {
			return 0, false
		}
		f, err := n.Float64()
		return f, err == nil
	})
}

// Boolean is as Text, for true and false.
func (c *Call) Boolean(key string, fallback bool) bool {
	return argument(c, key, "true or false", fallback, func(v any) (bool, bool) { b, ok := v.(bool); return b, ok })
}

// Bind reads all arguments into a struct, by the rules of encoding/json.
func (c *Call) Bind(into any) error {
	data, err := json.Marshal(c.Arguments)
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		return Fail("the arguments do not fit: %v", err)
	}
	return nil
}

func argument[T any](c *Call, key, kind string, fallback T, read func(any) (T, bool)) T {
	found, there := c.Arguments[key]
	if !there {
		return fallback
	}
	value, ok := read(found)
	if !ok {
		if c.fault == nil {
			c.fault = Fail("the argument '%s' must be %s", key, kind)
		}
		return fallback
	}
	return value
}

// Say adds a text: what a person or a model reads.
func (c *Call) Say(text string) { c.add(map[string]any{"type": "text", "text": text}) }

// Put adds a field to structuredContent: what programs read; it follows "returns" of the manifest.
func (c *Call) Put(key string, value any) {
	if c.structured == nil {
		c.structured = map[string]any{}
	}
	if number, ok := value.(float64); ok {
		value = Float(number)
	}
	c.structured[key] = value
}

// Float is a decimal number for the inside of a list or struct: encoding/json would write 1e20 as an integer that no host takes.
type Float float64

// MarshalJSON writes large numbers with an exponent.
func (f Float) MarshalJSON() ([]byte, error) {
	if number := float64(f); number > 1<<53 || number < -(1<<53) {
		text := strconv.FormatFloat(number, 'e', -1, 64)
		if text[len(text)-1] > '9' {
			return nil, fmt.Errorf("the number %s", text)
		}
		return []byte(text), nil
	}
	return json.Marshal(float64(f))
}

// Image adds an image of that media type.
func (c *Call) Image(data []byte, mime string) {
	c.add(map[string]any{"type": "image", "data": Base64(data), "mimeType": mime})
}

// Audio adds a sound of that media type.
func (c *Call) Audio(data []byte, mime string) {
	c.add(map[string]any{"type": "audio", "data": Base64(data), "mimeType": mime})
}

// Resource embeds a text under an address.
func (c *Call) Resource(uri, mime, text string) {
	c.add(map[string]any{"type": "resource", "resource": map[string]any{"uri": uri, "mimeType": mime, "text": text}})
}

// ResourceBytes embeds bytes under an address.
func (c *Call) ResourceBytes(uri, mime string, data []byte) {
	c.add(map[string]any{"type": "resource", "resource": map[string]any{"uri": uri, "mimeType": mime, "blob": Base64(data)}})
}

// Link is a link to a resource; what is empty is left out.
type Link struct {
	URI         string `json:"uri"`
	Name        string `json:"name"`
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
	MimeType    string `json:"mimeType,omitempty"`
	Size        *int64 `json:"size,omitempty"`
}

// Link adds a link to a resource, which no host fetches by itself.
func (c *Call) Link(link Link) {
	data, _ := json.Marshal(link)
	item := map[string]any{}
	_ = json.Unmarshal(data, &item)
	item["type"] = "resource_link"
	c.add(item)
}

// Annotate gives advice on the item that was added last: for whom ("user", "assistant"; empty: not said) and how important (0 to 1).
func (c *Call) Annotate(audience string, priority float64) {
	advice := map[string]any{"priority": priority}
	if audience != "" {
		advice["audience"] = []string{audience}
	}
	if len(c.content) > 0 {
		c.content[len(c.content)-1]["annotations"] = advice
	}
}

func (c *Call) add(item map[string]any) { c.content = append(c.content, item) }

// AskPerson ends the call with a question; the answer comes as the argument of that name in the next call.
func (c *Call) AskPerson(name, message string, schema any) {
	c.ask(name, "elicitation/create", map[string]any{"message": message, "requestedSchema": schema})
}

// AskModel ends the call with a question to the caller's model; system may be empty.
func (c *Call) AskModel(name, message, system string, maxTokens int) {
	said := map[string]any{"role": "user", "content": map[string]any{"type": "text", "text": message}}
	params := map[string]any{"messages": []any{said}, "maxTokens": maxTokens}
	if system != "" {
		params["systemPrompt"] = system
	}
	c.ask(name, "sampling/createMessage", params)
}

// AskFolders ends the call with the question which folders the caller works in.
func (c *Call) AskFolders(name string) { c.ask(name, "roots/list", map[string]any{}) }

func (c *Call) ask(name, method string, params map[string]any) {
	if c.questions == nil {
		c.questions = map[string]any{}
	}
	c.questions[name] = map[string]any{"method": method, "params": params}
}

// Context says who calls; what the host does not say is empty.
type Context struct {
	Agent, Proof, Key, Issuer           string
	User, Tenant, Invocation, Tool      string
	Package, Version, SHA256, Publisher string
}

// Context is what the host says of this call.
func (c *Call) Context() Context {
	agent, _ := c.Meta["agent"].(map[string]any)
	pack, _ := c.Meta["package"].(map[string]any)
	return Context{
		Agent: text(agent, "name"), Proof: text(agent, "proof"), Key: text(agent, "key"), Issuer: text(agent, "issuer"),
		User: text(c.Meta, "user"), Tenant: text(c.Meta, "tenant"), Invocation: text(c.Meta, "invocation"), Tool: text(c.Meta, "tool"),
		Package: text(pack, "id"), Version: text(pack, "version"), SHA256: text(pack, "sha256"), Publisher: text(pack, "publisher"),
	}
}

func text(object map[string]any, key string) string {
	found, _ := object[key].(string)
	return found
}

// Base64 is the one text for these bytes.
func Base64(data []byte) string { return base64.StdEncoding.EncodeToString(data) }

// FromBase64 reads what Base64 writes, and nothing else.
func FromBase64(text string) ([]byte, bool) {
	data, err := base64.StdEncoding.DecodeString(text)
	return data, err == nil && Base64(data) == text
}

// Serve answers the one request on standard input and ends the process.
func Serve(tools Tools) {
	line, err := io.ReadAll(io.LimitReader(os.Stdin, LineMax+2))
	if err != nil {
		os.Exit(1)
	}
	out := os.Stdout
	// What a tool prints is a note, never half of a reply.
	os.Stdout = os.Stderr
	reply := Answer(line, tools)
	if _, err := out.Write(append(reply, '\n')); err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

// Answer is the reply to one request line. For tests.
func Answer(line []byte, tools Tools) []byte {
	if end := bytes.IndexByte(line, '\n'); end >= 0 {
		line = line[:end]
	}
	if len(line) > LineMax {
		return refuse(nil, codeRequest, "the request line is too long")
	}
	found, fault := parse(line)
	if fault != nil {
		return refuse(nil, fault.code, fault.words)
	}
	request, _ := found.(map[string]any)
	id := request["id"]
	if !isID(id) {
		return refuse(nil, codeRequest, `a request is an object with an "id" that is a string or an integer`)
	}
	if request["jsonrpc"] != "2.0" {
		return refuse(id, codeRequest, `"jsonrpc" must be "2.0"`)
	}
	method, ok := request["method"].(string)
	if !ok {
		return refuse(id, codeRequest, `"method" must be a string`)
	}
	if method != "tools/call" {
		return refuse(id, codeMethod, `the only method is "tools/call"`)
	}
	params, _ := request["params"].(map[string]any)
	return callTool(id, params, tools)
}

// A string or a plain integer: 1e999 would make a reply that strict readers refuse.
func isID(id any) bool {
	if number, ok := id.(json.Number); ok {
		return len(number) <= 32 && !bytes.ContainsAny([]byte(number), ".eE")
	}
	_, ok := id.(string)
	return ok
}

func callTool(id any, params map[string]any, tools Tools) []byte {
	name, ok := params["name"].(string)
	if !ok {
		return refuse(id, codeParams, `"params" must be an object with the "name" of a tool`)
	}
	run, ok := tools[name]
	if !ok {
		return refuse(id, codeParams, "this package has no tool of that name")
	}
	arguments, ok := object(params, "arguments")
	meta, okMeta := object(params, "_meta")
	if !ok || !okMeta {
		return refuse(id, codeParams, `"arguments" and "_meta" must be objects`)
	}
	call := &Call{Tool: name, Arguments: arguments, Meta: meta, content: []map[string]any{}}
	return call.answer(id, guarded(run, call))
}

// A panic is a defect of the tool: its words go to the log, and the caller learns that it failed.
func guarded(run func(*Call) error, call *Call) (err error) {
	defer func() {
		if found := recover(); found != nil {
			fmt.Fprintln(os.Stderr, "panic:", found)
			err = &Reject{Code: codeInternal, Message: "the tool failed unexpectedly"}
		}
	}()
	return run(call)
}

func object(params map[string]any, key string) (map[string]any, bool) {
	found, there := params[key]
	if !there {
		return map[string]any{}, true
	}
	value, ok := found.(map[string]any)
	return value, ok
}

func (c *Call) answer(id any, err error) []byte {
	if c.fault != nil {
		err = c.fault // the tool went on with a fallback; what it said of it is no answer
	}
	var reject *Reject
	if errors.As(err, &reject) {
		return write(map[string]any{"id": id, "error": rejection(reject)})
	}
	if err != nil {
		return write(map[string]any{"id": id, "result": map[string]any{"content": []any{map[string]any{"type": "text", "text": err.Error()}}, "isError": true}})
	}
	if c.questions != nil {
		return write(map[string]any{"id": id, "result": map[string]any{"resultType": "input_required", "inputRequests": c.questions}})
	}
	result := map[string]any{"content": c.content, "isError": false}
	if c.structured != nil {
		result["structuredContent"] = c.structured
	}
	return write(map[string]any{"id": id, "result": result})
}

func rejection(r *Reject) map[string]any {
	found := map[string]any{"code": r.Code, "message": r.Message}
	if r.Data != nil {
		found["data"] = r.Data
	}
	return found
}

func refuse(id any, code int64, message string) []byte {
	return write(map[string]any{"id": id, "error": map[string]any{"code": code, "message": message}})
}

func write(reply map[string]any) []byte {
	reply["jsonrpc"] = "2.0"
	data, err := marshal(reply)
	if err != nil {
		return refuse(reply["id"], codeInternal, "the tool gave a result that JSON cannot hold: "+err.Error())
	}
	return data
}

func marshal(value any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimRight(out.Bytes(), "\n"), nil
}
