import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router'
import { NotFound } from '../parts/not-found.tsx'
import { Root } from './root.tsx'
import { Workplace } from './workplace.tsx'

const root = createRootRoute({ component: Root, notFoundComponent: NotFound })
/** Everything that needs a signed-in person; who is not signed in yet sees the sign-in in its place and comes back to where they were. */
const workplace = createRoute({ getParentRoute: () => root, id: 'workplace', component: Workplace })

const home = createRoute({
  getParentRoute: () => workplace,
  path: '/',
  component: lazyRouteComponent(() => import('../screens/home/home.tsx'), 'Home'),
})

export const fileViews = ['files', 'trash', 'quarantine'] as const
export type FileView = (typeof fileViews)[number]

const files = createRoute({
  getParentRoute: () => workplace,
  path: '/files',
  validateSearch: (search: Record<string, unknown>): { folder?: string; view?: FileView } => ({
    ...(typeof search['folder'] === 'string' ? { folder: search['folder'] } : {}),
    ...(fileViews.includes(search['view'] as FileView) ? { view: search['view'] as FileView } : {}),
  }),
  component: lazyRouteComponent(() => import('../screens/files/files.tsx'), 'Files'),
})

const menu = createRoute({
  getParentRoute: () => workplace,
  path: '/menu',
  component: lazyRouteComponent(() => import('../screens/menu/menu.tsx'), 'MenuScreen'),
})

const dish = createRoute({
  getParentRoute: () => workplace,
  path: '/menu/$dish',
  component: lazyRouteComponent(() => import('../screens/menu/dish.tsx'), 'DishScreen'),
})

const jobs = createRoute({
  getParentRoute: () => workplace,
  path: '/jobs',
  validateSearch: (search: Record<string, unknown>): { service?: string; queue?: string; state?: string } =>
    Object.fromEntries(['service', 'queue', 'state'].flatMap((name) => (typeof search[name] === 'string' ? [[name, search[name]]] : []))),
  component: lazyRouteComponent(() => import('../screens/jobs/jobs.tsx'), 'Jobs'),
})

export const tenantTabs = ['members', 'keys', 'settings', 'audit'] as const
export type TenantTab = (typeof tenantTabs)[number]

const tenant = createRoute({
  getParentRoute: () => workplace,
  path: '/tenant',
  validateSearch: (search: Record<string, unknown>): { tab?: TenantTab } =>
    tenantTabs.includes(search['tab'] as TenantTab) ? { tab: search['tab'] as TenantTab } : {},
  component: lazyRouteComponent(() => import('../screens/tenant/tenant.tsx'), 'Tenant'),
})

const publicMenu = createRoute({
  getParentRoute: () => root,
  path: '/m/$tenant',
  component: lazyRouteComponent(() => import('../screens/public-menu/public-menu.tsx'), 'PublicMenuPage'),
})

const link = createRoute({
  getParentRoute: () => root,
  path: '/link',
  component: lazyRouteComponent(() => import('../screens/sign-in/link.tsx'), 'LinkPage'),
})

export const router = createRouter({
  routeTree: root.addChildren([workplace.addChildren([home, files, menu, dish, jobs, tenant]), publicMenu, link]),
  defaultPreload: 'intent',
  scrollRestoration: false,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
