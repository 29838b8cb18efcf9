import { defineConfig } from "vite";

export default defineConfig({
  // Relative addresses: the page works behind a proxy that puts it under a path of its own.
  base: "./",
  build: {
    target: "es2022",
    // Nothing inline: the content-security policy has no `unsafe-inline`.
    assetsInlineLimit: 0,
    // What others wrote goes out with their licences.
    license: { fileName: "licences.md" },
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
