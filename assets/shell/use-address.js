// A parameter of the page's address, in a component; "" without it.

import { useSyncExternalStore } from "react";
import { params, subscribe } from "$/public/shell/address.js";

export const useParam = (name) =>
  useSyncExternalStore(
    subscribe,
    () => params().get(name) ?? "",
    () => "",
  );
