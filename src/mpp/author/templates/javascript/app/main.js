// The tool. Each call of tool() offers one; `mpp build` reads names, parameters and results here.
import { optional, t, tool, ToolError, ToolResponse } from "mpp-sdk";

tool(
  {
    name: "greet",
    description: "Greets a person by name",
    parameters: {
      name: t.string({ description: "Who is greeted", maxLength: 200 }),
      loud: optional(t.boolean({ description: "With more emphasis" }), false),
    },
    returns: t.object({ greeting: t.string() }),
    securityLevel: "low",
  },
  ({ name, loud }) => {
    if (name.trim() === "") throw new ToolError("the name is empty");
    const greeting = `Hello, ${name}${loud ? "!!!" : "!"}`;
    return ToolResponse.structured({ greeting }, greeting);
  },
);
