// The measured libraries behind one interface: `on` returns a function that ends the subscription.

import EventEmitter2 from "eventemitter2";
import { EventEmitter as EventEmitter3 } from "eventemitter3";
import { createBus } from "event-driven-kit";
import mitt from "mitt";

export const libraries = {
  ours() {
    const { subscribe, publish } = createBus();
    return { on: subscribe, emit: publish };
  },
  mitt: () => emitterOf(mitt()),
  eventemitter3: () => emitterOf(new EventEmitter3()),
  eventemitter2: () => emitterOf(new EventEmitter2({ wildcard: true, maxListeners: 0 })),
  /** Node's own, which browsers do not have. */
  EventEmitter: (EventEmitter) => emitterOf(new EventEmitter().setMaxListeners(0)),
};

function emitterOf(emitter) {
  return {
    on(name, handler) {
      emitter.on(name, handler);
      return () => emitter.off(name, handler);
    },
    emit: (name, data) => emitter.emit(name, data),
  };
}
