import { readFileSync } from 'node:fs';
import { defineConfig } from 'vite';

// The brain that the development server leads /v1 to, and the certificate authority that it is trusted by.
const brain = process.env.WEIR_BRAIN ?? 'https://127.0.0.1:7480';
const authority = process.env.WEIR_CA;

export default defineConfig({
  base: './',
  esbuild: { jsx: 'automatic' },
  build: {
    outDir: process.env.WEIR_CONSOLE_OUT ?? '../build/console',
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 300,
    reportCompressedSize: true,
  },
  server: {
    host: '127.0.0.1',
    proxy: {
      '/v1': {
        target: brain,
        changeOrigin: true,
        secure: authority !== undefined,
        ...(authority === undefined ? {} : { ssl: { ca: readFileSync(authority) } }),
      },
    },
  },
  test: { include: ['src/**/*_test.ts'] },
} as Parameters<typeof defineConfig>[0]);
