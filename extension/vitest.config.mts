import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [
    {
      name: 'svg-as-text',
      enforce: 'pre',
      async load(id: string) {
        if (!id.endsWith('.svg')) {
          return null;
        }
        const { readFile } = await import('node:fs/promises');
        return `export default ${JSON.stringify(await readFile(id, 'utf8'))}`;
      }
    }
  ],
  test: {
    environment: 'jsdom',
    include: ['src/**/*.test.{ts,tsx}'],
    setupFiles: ['./vitest.setup.ts'],
    server: {
      deps: { inline: [/@jupyterlab/, /@jupyter/, /@lumino/, /@microsoft/] }
    }
  }
});
