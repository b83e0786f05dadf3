// Whether a pattern matches a topic, for what is kept in JavaScript. Routes come from wasm.

export function matches(pattern, topic) {
  const [want, have] = [pattern.split("."), topic.split(".")];
  const open = want.at(-1) === ">";
  if (open) want.pop();
  if (open ? have.length <= want.length : have.length !== want.length) return false;
  if (topic[0] === "$" && (open && want.length === 0 || want[0] === "*")) return false;
  return want.every((token, at) => token === "*" || token === have[at]);
}
