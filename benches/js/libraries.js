// The libraries that are measured, behind one shape: `on` answers what ends a subscription.

/** Loads `name`; its wildcards are written in its own way. */
export async function load(name) {
  return await libraries[name]();
}

const libraries = {
  async ours() {
    const { createBus } = await import("event-driven-kit");
    const bus = createBus();
    return { on: bus.subscribe, emit: bus.publish };
  },
  async mitt() {
    const { default: mitt } = await import("mitt");
    const emitter = mitt();
    return {
      on(name, handler) {
        emitter.on(name, handler);
        return () => emitter.off(name, handler);
      },
      emit: (name, data) => emitter.emit(name, data),
    };
  },
  async eventemitter3() {
    const { EventEmitter } = await import("eventemitter3");
    return emitterOf(new EventEmitter());
  },
  async eventemitter2() {
    const { default: EventEmitter2 } = await import("eventemitter2");
    return emitterOf(new EventEmitter2({ wildcard: true, maxListeners: 0 }));
  },
  async EventEmitter() {
    const { EventEmitter } = await import("node:events");
    return emitterOf(new EventEmitter().setMaxListeners(0));
  },
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
