// Where the compiler's `lib` has `Symbol.dispose`, `using` ends what the library returns.

import { createBus } from "event-driven-kit";

const bus = createBus();
{
  using end = bus.subscribe("a", () => {});
  using link = bus.connect({ url: "ws://x" });
  void [end, link.state];
}
