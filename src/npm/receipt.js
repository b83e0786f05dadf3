// How far an event has come, and what `publish` returns of a durable one.

export const local = Object.freeze({ status: "local" });
const ephemeral = Object.freeze({ status: "ephemeral" });

/** How far an event has come. The others are offset, epoch and stream, or code and message. */
export function makeStatus(status, first, second, stream) {
  switch (status) {
    case "local":
      return local;
    case "ephemeral":
      return ephemeral;
    case "stored":
      return { status, position: { offset: first, epoch: second, stream } };
    case "rejected":
      return { status, code: first, message: second };
    default:
      return { status };
  }
}

/** What `publish` returns of a durable event; nothing of another. */
export function receipt(core) {
  return (
    core && {
      get id() {
        return core.id();
      },
      get status() {
        return core.status();
      },
      kept: () => new Promise((resolve, reject) => core.when(false, () => resolve(), reject)),
      settled: () =>
        new Promise((resolve, reject) => {
          core.when(true, (status) => resolve(status?.position), reject);
        }),
      cancel: () => core.cancel(),
    }
  );
}
