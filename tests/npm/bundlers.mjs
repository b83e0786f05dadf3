// Common bundlers with their default settings. Each builds a page from `index.html`, `app.mjs` and `worker.mjs` in one
// folder, and returns its warnings. They are installed in `EDK_NPM_TOOLS`.

import { copyFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const tools = createRequire(join(process.env.EDK_NPM_TOOLS, "package.json"));

const SCRIPTS = ["app.mjs", "worker.mjs"];

export const bundlers = {
  async Vite(source, out) {
    const { build, createLogger } = await import(pathToFileURL(tools.resolve("vite")));
    const warnings = [];
    const customLogger = { ...createLogger("warn"), warn: (message) => warnings.push(message) };
    await build({
      root: source, base: "./", configFile: false, logLevel: "warn", customLogger,
      build: {
        outDir: out, emptyOutDir: true,
        // Turns off Vite's hint about the size of scripts.
        chunkSizeWarningLimit: Infinity,
        // A warning about a slow machine is not about the package.
        rolldownOptions: { checks: { bundlerTimings: false } },
      },
    });
    return warnings;
  },

  async webpack(source, out) {
    const config = {
      mode: "production", entry: join(source, "app.mjs"), output: { path: out, filename: "app.mjs" },
      // Turns off webpack's hints about the size of scripts.
      performance: false,
    };
    const stats = await new Promise((resolve, reject) => {
      tools("webpack")(config, (error, stats) => (error ? reject(error) : resolve(stats)));
    });
    copyFileSync(join(source, "index.html"), join(out, "index.html"));
    const { errors, warnings } = stats.toJson("errors-warnings");
    return [...errors, ...warnings].map(({ message }) => message);
  },

  async esbuild(source, out) {
    const { warnings } = await tools("esbuild").build({
      entryPoints: SCRIPTS.map((name) => join(source, name)),
      bundle: true, minify: true, format: "esm", outdir: out, outExtension: { ".js": ".mjs" }, logLevel: "silent",
    });
    copyFileSync(join(source, "index.html"), join(out, "index.html"));
    return warnings;
  },

  async Rollup(source, out) {
    const { nodeResolve } = tools("@rollup/plugin-node-resolve");
    const warnings = [];
    const bundle = await tools("rollup").rollup({
      input: SCRIPTS.map((name) => join(source, name)),
      plugins: [nodeResolve({ browser: true })],
      onwarn: ({ message }) => warnings.push(message),
    });
    await bundle.write({ dir: out, format: "es", entryFileNames: "[name].mjs", chunkFileNames: "[name].mjs" });
    copyFileSync(join(source, "index.html"), join(out, "index.html"));
    return warnings;
  },
};
