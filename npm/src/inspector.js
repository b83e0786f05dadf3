// Developer tools for a page: `event-driven-kit/inspector`. Importing it registers `<event-inspector>`.
import { defineInspector, inspect } from "./inspector/element.js";
import { inspection } from "./inspector/inspection.js";

defineInspector();

export { inspect, inspection };
