// {{name}}: an MPP tool in Go. Everything that is special about this tool is in this file.
//
// The manifest describes the tool greet to agents and hosts; the function greet below does it. To add a tool: describe it under
// "tool_definitions" in manifest.json, write its function, list it in main.
package main

import "{{name}}/mpp"

// greet greets the person whose name is in the optional argument "name".
func greet(call *mpp.Call) error {
	// The host has checked the arguments against "parameters" of the manifest.
	name := call.Text("name", "World")

	// A tool that cannot do what it was asked for says why, in words that help the caller.
	if name == "" {
		return mpp.Fail("the argument 'name' is empty: leave it out, or give a name")
	}

	greeting := "Hello, " + name + "!"
	call.Say(greeting)             // what a person or a model reads
	call.Put("greeting", greeting) // what programs read: as in "returns"
	return nil
}

// The tools of this package, with the names that the manifest gives them.
func main() {
	mpp.Serve(mpp.Tools{"greet": greet})
}
