// The golden tools over the Go module; what each does stands in sdk/golden/README.md.
package main

import (
	"errors"
	"fmt"
	"math/bits"
	"os"
	"slices"
	"strconv"
	"strings"

	"mpp"
)

func ok(call *mpp.Call) error {
	call.Say("ok")
	return nil
}

// What the host refused becomes the failure of the tool.
func told(err error) error {
	var refused *mpp.HostError
	if errors.As(err, &refused) {
		return mpp.Fail("%s", refused.Code)
	}
	return err
}

func put(call *mpp.Call, key string, value any, err error) error {
	if err != nil {
		return told(err)
	}
	call.Put(key, value)
	return ok(call)
}

func echo(call *mpp.Call) error { return put(call, "value", call.Arguments["value"], nil) }

func add(call *mpp.Call) error {
	a, b := call.Integer("a", 0), call.Integer("b", 0)
	sum, _ := bits.Add64(uint64(a), uint64(b), 0)
	if (a < 0) == (b < 0) && (int64(sum) < 0) != (a < 0) {
		return mpp.Fail("the sum does not fit in 64 bits")
	}
	call.Put("sum", int64(sum))
	call.Say(strconv.FormatInt(int64(sum), 10))
	return nil
}

func greet(call *mpp.Call) error {
	name, times, loud := call.Text("name", "World"), call.Integer("times", 1), call.Boolean("loud", false)
	if name == "" {
		return mpp.Fail("the name is empty")
	}
	mark := "!"
	if loud {
		mark = "!!!"
	}
	greeting := strings.TrimSuffix(strings.Repeat("Hello, "+name+mark+" ", int(times)), " ")
	call.Say(greeting)
	call.Put("greeting", greeting)
	return nil
}

func half(call *mpp.Call) error { return put(call, "half", call.Number("number", 1)/2, nil) }

func fail(call *mpp.Call) error { return mpp.Fail("%s", call.Text("message", "")) }

func reject(call *mpp.Call) error {
	return &mpp.Reject{Code: call.Integer("code", 0), Message: call.Text("message", ""), Data: call.Arguments["data"]}
}

func content(call *mpp.Call) error {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	size := int64(42)
	switch call.Text("kind", "") {
	case "texts":
		call.Say("one")
		call.Say("two")
	case "image":
		call.Image(all, "image/png")
	case "audio":
		call.Audio([]byte("RIFF"), "audio/wav")
	case "link":
		call.Link(mpp.Link{URI: "https://example.com/report", Name: "report", Title: "The report", Description: "A report", MimeType: "text/plain", Size: &size})
	case "small_link":
		call.Link(mpp.Link{URI: "https://example.com/", Name: "home"})
	case "resource_text":
		call.Resource("memory://notes/1", "text/plain", "note")
	case "resource_blob":
		call.ResourceBytes("memory://blobs/1", "application/octet-stream", []byte{0, 255})
	case "annotated":
		call.Say("for people")
		call.Annotate("user", 0.5)
	case "mixed":
		call.Say("one")
		call.Image([]byte{1, 2, 3}, "image/png")
		call.Put("items", 2)
	}
	return nil
}

func binary(call *mpp.Call) error {
	data, good := mpp.FromBase64(call.Text("data", ""))
	if !good {
		return mpp.Fail("the argument 'data' is no base64")
	}
	slices.Reverse(data)
	call.Put("size", len(data))
	call.Put("reversed", mpp.Base64(data))
	call.Say(strconv.Itoa(len(data)))
	return nil
}

func nest(call *mpp.Call) error {
	var nested any = 0
	for range call.Integer("depth", 0) {
		nested = []any{nested}
	}
	return put(call, "nested", nested, nil)
}

func count(call *mpp.Call) error {
	counts := map[string]int{}
	words, _ := call.Arguments["words"].([]any)
	for _, word := range words {
		counts[word.(string)]++
	}
	return put(call, "counts", counts, nil)
}

func long(call *mpp.Call) error {
	size := call.Integer("size", 0)
	call.Say(strings.Repeat("x", int(size)))
	call.Put("size", size)
	return nil
}

func kvGet(call *mpp.Call) error {
	value, there, err := mpp.KVGet(call.Text("key", ""))
	if !there {
		return put(call, "value", nil, err)
	}
	return put(call, "value", mpp.Base64(value), err)
}

func kvSet(call *mpp.Call) error {
	key, value := call.Text("key", ""), []byte(call.Text("value", ""))
	expect, given := call.Arguments["expect"]
	if !given {
		return put(call, "stored", true, mpp.KVSet(key, value))
	}
	var wanted []byte
	if text, is := expect.(string); is {
		wanted = []byte(text)
	}
	stored, err := mpp.KVSetIf(key, value, wanted)
	return put(call, "stored", stored, err)
}

func kvDelete(call *mpp.Call) error {
	existed, err := mpp.KVDelete(call.Text("key", ""))
	return put(call, "existed", existed, err)
}

func kvList(call *mpp.Call) error {
	keys, more, err := mpp.KVList(mpp.List{Prefix: call.Text("prefix", ""), After: call.Text("after", ""), Limit: int(call.Integer("limit", 0))})
	call.Put("keys", keys)
	return put(call, "more", more, err)
}

func share(call *mpp.Call) error {
	return put(call, "stored", true, mpp.Shared.Set(call.Text("key", ""), []byte(call.Text("value", ""))))
}

func shared(call *mpp.Call) error {
	value, there, err := mpp.Shared.Get(call.Text("key", ""))
	if !there {
		return put(call, "value", nil, err)
	}
	return put(call, "value", mpp.Base64(value), err)
}

func kvCount(call *mpp.Call) error {
	key := call.Text("key", "")
	for range 5 {
		value, there, err := mpp.KVGet(key)
		if err != nil {
			return told(err)
		}
		before := 0
		if there {
			before, _ = strconv.Atoi(string(value))
		}
		stored, err := mpp.KVSetIf(key, []byte(strconv.Itoa(before+1)), value)
		if err != nil {
			return told(err)
		}
		if stored {
			return put(call, "count", before+1, nil)
		}
	}
	return mpp.Fail("busy")
}

func fetch(call *mpp.Call) error {
	request := mpp.Request{URL: call.Text("url", ""), Method: call.Text("method", ""), TimeoutMS: int(call.Integer("timeout_ms", 0)), Redirect: call.Text("redirect", "")}
	pairs, _ := call.Arguments["headers"].([]any)
	for _, pair := range pairs {
		two := pair.([]any)
		request.Headers = append(request.Headers, mpp.Header{Name: two[0].(string), Value: two[1].(string)})
	}
	if body, given := call.Arguments["body"].(string); given {
		request.Body = []byte(body)
	}
	got, err := mpp.Fetch(request)
	if err != nil {
		return told(err)
	}
	call.Put("status", got.Status)
	call.Put("url", got.URL)
	call.Put("type", nil)
	if kind, there := got.Header("content-type"); there {
		call.Put("type", kind)
	}
	return put(call, "body", mpp.Base64(got.Body), nil)
}

func whoami(call *mpp.Call) error {
	who := call.Context()
	for key, value := range map[string]string{
		"agent": who.Agent, "proof": who.Proof, "user": who.User, "tenant": who.Tenant,
		"invocation": who.Invocation, "tool": who.Tool, "package": who.Package, "version": who.Version,
	} {
		call.Put(key, value)
	}
	return ok(call)
}

func token(call *mpp.Call) error {
	found, err := mpp.Token(call.Text("audience", ""))
	return put(call, "token", found, err)
}

func note(call *mpp.Call) error {
	mpp.Log(call.Text("level", "info"), call.Text("message", ""))
	return ok(call)
}

func work(call *mpp.Call) error {
	steps := call.Integer("steps", 0)
	for i := int64(1); i <= steps; i++ {
		mpp.Progress(float64(i), float64(steps), fmt.Sprintf("step %d", i))
	}
	return put(call, "done", steps, nil)
}

func ask(call *mpp.Call) error {
	answer, given := call.Arguments["answer"].(map[string]any)
	switch call.Text("kind", "person") {
	case "person":
		if !given {
			schema := map[string]any{"type": "object", "properties": map[string]any{"name": map[string]any{"type": "string"}}, "required": []string{"name"}}
			call.AskPerson("answer", "Who is it for?", schema)
			return nil
		}
		content, _ := answer["content"].(map[string]any)
		name, named := content["name"].(string)
		if answer["action"] != "accept" || !named {
			return mpp.Fail("nobody said a name")
		}
		call.Say("Hello, " + name + "!")
		call.Put("greeting", "Hello, "+name+"!")
	case "model":
		if !given {
			call.AskModel("answer", "Say hello", "Be short", 100)
			return nil
		}
		content, _ := answer["content"].(map[string]any)
		said, _ := content["text"].(string)
		call.Say(said)
		call.Put("said", said)
	default:
		if !given {
			call.AskFolders("answer")
			return nil
		}
		folders := []any{}
		roots, _ := answer["roots"].([]any)
		for _, root := range roots {
			folders = append(folders, root.(map[string]any)["uri"])
		}
		return put(call, "folders", folders, nil)
	}
	return nil
}

func environment(call *mpp.Call) error {
	value, there := os.LookupEnv(call.Text("name", ""))
	if !there {
		return put(call, "value", nil, nil)
	}
	return put(call, "value", value, nil)
}

func toStderr(call *mpp.Call) error {
	fmt.Fprintln(os.Stderr, call.Text("message", ""))
	fmt.Println("what is printed is a note")
	return ok(call)
}

func main() {
	mpp.Serve(mpp.Tools{
		"echo": echo, "add": add, "greet": greet, "half": half, "fail": fail, "reject": reject, "content": content, "binary": binary,
		"nest": nest, "count": count, "long": long, "kv_get": kvGet, "kv_set": kvSet, "kv_delete": kvDelete, "kv_list": kvList,
		"kv_count": kvCount, "fetch": fetch, "whoami": whoami, "token": token, "note": note, "work": work, "ask": ask, "share": share, "shared": shared,
		"environment": environment, "stderr": toStderr,
	})
}
