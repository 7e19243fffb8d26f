// Asks a web API. Which hosts may be reached, and which secret goes with the requests, stands in manifest.json; the tool never sees the secret.
import { http, optional, t, tool, ToolError, ToolResponse } from "mpp-sdk";

const API = "https://api.github.com";

tool(
  {
    name: "find_issues",
    description: "Finds open issues of a repository by words",
    parameters: {
      repository: t.string({ description: "OWNER/NAME", pattern: "^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$" }),
      words: t.string({ description: "What to look for", minLength: 1, maxLength: 200 }),
      most: optional(t.integer({ minimum: 1, maximum: 50 }), 10),
    },
    returns: t.object({ issues: t.list(t.object({ number: t.integer(), title: t.string(), url: t.string() })) }),
    securityLevel: "low",
  },
  ({ repository, words, most }) => {
    const query = new URLSearchParams({ q: `repo:${repository} is:issue is:open ${words}`, per_page: String(most) });
    const answer = http.get(`${API}/search/issues?${query}`, { headers: { accept: "application/json" }, timeoutMs: 8000 });
    if (!answer.ok) throw new ToolError(`the server answered ${answer.status}`);
    const { items } = answer.json();
    const issues = items.map((item) => ({ number: item.number, title: item.title, url: item.html_url }));
    return ToolResponse.structured({ issues }, issues.map((one) => `#${one.number} ${one.title}`).join("\n") || "nothing found");
  },
);
