export { createBus, createSingleton } from "./event_driven_kit.js";
export type {
  Bus,
  ConnectOptions,
  Delivery,
  Disposer,
  Event,
  Failure,
  Handler,
  Link,
  LinkState,
  Position,
  Receipt,
  Rejected,
  Rule,
  Status,
  Stored,
  SubscribeOptions,
} from "./event_driven_kit.js";
