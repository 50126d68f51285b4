import { defineConfig } from 'vite'

/** The port is fixed because it is part of the origin, which the server has to know. */
export default defineConfig({
  esbuild: { jsx: 'automatic' },
  server: { port: 5173, strictPort: true },
})
