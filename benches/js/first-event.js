// Runs until the first event is delivered.
import { createBus } from "event-driven-kit";

const { subscribe, publish } = createBus();
let calls = 0;
subscribe("first", () => (calls += 1));
publish("first");
if (calls !== 1) process.exit(1);
