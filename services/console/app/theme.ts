import { createTheme, type MantineThemeOverride, Modal } from '@mantine/core'

/** Colours stand in theme.css. Locking the page's scroll would need a style element, which the policy forbids. */
export const theme: MantineThemeOverride = createTheme({
  primaryColor: 'indigo',
  defaultRadius: 'md',
  respectReducedMotion: true,
  components: {
    Modal: Modal.extend({ defaultProps: { lockScroll: false, centered: true } }),
  },
})
