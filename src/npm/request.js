// Requests and replies: an event that asks gets one answer, or is told at once that nobody serves it.

import { ending } from "./disposer.js";
import { expect, fail } from "./errors.js";
import { Event } from "./event.js";

export function requests(run, subscribe) {
  /** Answers the requests that another responder has not taken, with what the handler returns. */
  function respond(pattern, handler, options) {
    expect(handler, "function", "the handler");
    return subscribe(
      pattern,
      (data, event) => {
        const asked = Event.asked(event);
        if (asked === undefined || asked.taken) return;
        asked.taken = true;
        try {
          const reply = handler(data, event);
          asked.resolve(reply);
          return reply;
        } catch (error) {
          asked.resolve(Promise.reject(error));
          throw error;
        }
      },
      { ...options, serves: true },
    );
  }

  function request(topic, data, { timeout = 5000, signal } = {}) {
    return new Promise((resolve, reject) => {
      expect(topic, "string", "the topic");
      signal?.throwIfAborted();
      if (!run.serves(topic)) {
        throw fail("nobody_serves", `nobody serves \`${topic}\`: call \`respond\`, or ask later`);
      }
      const settle = (outcome, value) => {
        outcome(value);
        end();
      };
      // What is settled stays so.
      const end = ending(() => {
        clearTimeout(timer);
        reject(signal?.reason);
      }, signal);
      const timer = setTimeout(() => {
        settle(reject, fail("timeout", `no reply to \`${topic}\` came in time: ask again, or allow more`));
      }, timeout);
      const failed = (cause) => {
        const error = fail("no_reply", `the responder of \`${topic}\` has failed: see its \`cause\``);
        settle(reject, Object.assign(error, { cause }));
      };
      const asked = {
        taken: false,
        resolve: (reply) => Promise.resolve(reply).then((value) => settle(resolve, value), failed),
      };
      const atOnce = run.isIdle();
      try {
        run.publishOtherwise(topic, data, undefined, { asked });
      } catch (error) {
        settle(reject, error);
      }
      if (atOnce && !asked.taken) failed(new Error("an interceptor or a bridge has taken the request"));
    });
  }

  return { request, respond };
}
