import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** `SLIPWAY_URL` of a running stack serves the API while the console is developed with `vite`. */
export default defineConfig({
  plugins: [react()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    // Files, never data: URLs: the policy of the page allows those for images only.
    assetsInlineLimit: 0,
    // Without the inline helper that older browsers need.
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500,
    manifest: true,
  },
})
