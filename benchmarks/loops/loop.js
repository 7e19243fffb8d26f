// The loop in JavaScript and, as it is, in TypeScript.
import { t, tool, ToolResponse } from "mpp-sdk";

tool(
  { name: "loop", description: "Run a loop", parameters: { n: t.integer({ description: "how often" }) }, securityLevel: "low" },
  ({ n }) => {
    let x = 2463534242 | 0;
    let sum = 0;
    for (let i = 0; i < n; i++) {
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
      sum = (sum + (x & 255)) >>> 0;
    }
    return ToolResponse.structured({ sum }, "ok");
  },
);
