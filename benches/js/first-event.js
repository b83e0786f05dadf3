// A process up to its first delivered event.
import { createBus } from "event-driven-kit";

const { subscribe, publish } = createBus();
let heard = 0;
subscribe("first", () => (heard += 1));
publish("first");
if (heard !== 1) process.exit(1);
