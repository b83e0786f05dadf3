// Measures in a page: writes the nanoseconds of `#LIBRARY/WORK` into the document.

import { measure } from "./measure.js";

const [library, work] = decodeURIComponent(location.hash.slice(1)).split("/");
document.body.textContent = `measured ${measure(library, work)} end`;
