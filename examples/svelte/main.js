import { mount } from "svelte";

import Basket from "./Basket.svelte";
import Shelf from "./Shelf.svelte";

const target = document.querySelector("main");
mount(Shelf, { target });
mount(Basket, { target });
