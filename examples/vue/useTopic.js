import { onScopeDispose, shallowRef } from "vue";

import { subscribe } from "../shop/shop.js";

/** The last data of a topic as a ref: `first`, until there is one. It ends with the component that asks. */
export function useTopic(topic, first) {
  const latest = shallowRef(first);
  const heard = (data) => {
    latest.value = data;
  };
  onScopeDispose(subscribe(topic, heard, { replay: true }));
  return latest;
}
