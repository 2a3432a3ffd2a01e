// useAddress: a parameter of the page's address, in a component; "" without it (hook).

import { useSyncExternalStore } from "react";
import { params, subscribe } from "$/public/shell/address.js";

export const useParam = (name) =>
  useSyncExternalStore(
    subscribe,
    () => params().get(name) ?? "",
    () => "",
  );
