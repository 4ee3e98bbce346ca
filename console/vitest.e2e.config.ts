import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { include: ['e2e/*_test.ts'], testTimeout: 120_000, hookTimeout: 120_000, fileParallelism: false },
});
