// With `Symbol.dispose` in the `lib` of the compiler, `using` ends what the library returns.

import { createBus } from "event-driven-kit";

const bus = createBus();
{
  using end = bus.subscribe("a", () => {});
  using link = bus.connect({ url: "ws://x" });
  void [end, link.state];
}
