// Requests and replies: a request gets one reply, or fails at once if there is no responder.

import { after, ending } from "./ends.js";
import { Event } from "./event.js";
import { expect, expectTopic, fail, FUNCTION, take } from "./options.js";
import { RESPOND } from "./subscribe.js";

const REQUEST = ["timeout", "signal"];

export function requests(run, begin) {
  /** Whether a responder has a queue. Then a request may be answered later. */
  let takesLater = false;

  /** Answers requests that no other responder has taken, with the handler's result. */
  function respond(pattern, handler, given) {
    expectTopic(pattern, "the pattern");
    expect(handler, FUNCTION, "the handler");
    const options = take(given, RESPOND);
    if (options.queue !== undefined) takesLater = true;
    return begin(
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

  function request(topic, data, given) {
    return new Promise((resolve, reject) => {
      expectTopic(topic, "the topic");
      const { timeout = 5000, signal } = take(given, REQUEST);
      signal?.throwIfAborted();
      if (!run.serves(topic)) {
        throw fail("no_responder", `no responder for \`${topic}\`: call \`respond\`, or ask later`);
      }
      let outcome = () => reject(signal.reason);
      // Settles with the first outcome, or when the signal aborts.
      const end = ending(() => {
        cancel();
        outcome();
      }, signal);
      const settle = (how) => {
        outcome = how;
        end();
      };
      const cancel = after(timeout, () => {
        settle(() => reject(fail("timeout", `no reply to \`${topic}\` came in time: ask again, or allow more`)));
      });
      const failed = (cause) => {
        const error = fail("no_reply", `the responder of \`${topic}\` has failed: see its \`cause\``);
        settle(() => reject(Object.assign(error, { cause })));
      };
      const asked = {
        taken: false,
        resolve: (reply) => Promise.resolve(reply).then((value) => settle(() => resolve(value)), failed),
      };
      const atOnce = run.isIdle();
      let published = false;
      try {
        published = run.ask(topic, data, asked);
      } catch (error) {
        settle(() => reject(error));
      }
      if (!published || (atOnce && !takesLater && !asked.taken)) {
        failed(new Error("an interceptor has dropped the request, or its responder has ended"));
      }
    });
  }

  return { request, respond };
}
