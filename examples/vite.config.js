import { svelte } from "@sveltejs/vite-plugin-svelte";
import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";

// The package itself needs no plugin: these are the frameworks'.
export default defineConfig({
  plugins: [vue(), svelte()],
  build: {
    rollupOptions: { input: ["index.html", "react/index.html", "vue/index.html", "svelte/index.html"] },
  },
});
