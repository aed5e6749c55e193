import { IconClockPlay, IconFolder, IconHome, IconToolsKitchen2, IconUsers } from '@tabler/icons-react'
import { Link, Outlet } from '@tanstack/react-router'
import { Suspense } from 'react'
import { useMay, useSignedIn } from '../api/use-api.ts'
import { BulkPanel } from '../screens/files/bulk-panel.tsx'
import { UploadPanel } from '../screens/files/upload-panel.tsx'
import { AccountMenu } from './account-menu.tsx'
import classes from './shell.module.css'
import { TenantSwitcher } from './tenant-switcher.tsx'
import corner from './work-corner.module.css'

const places = [
  { to: '/', label: 'Home', icon: IconHome },
  { to: '/files', label: 'Files', icon: IconFolder },
  { to: '/menu', label: 'Menu', icon: IconToolsKitchen2 },
  { to: '/jobs', label: 'Jobs', icon: IconClockPlay },
  { to: '/tenant', label: 'Tenant', icon: IconUsers },
] as const

/** The frame around all screens: navigation at the side, or at the bottom of a phone. */
export function Shell() {
  return (
    <div className={classes.shell}>
      <a className={classes.skip} href="#main">
        To the content
      </a>
      <header className={classes.header}>
        <Link to="/" className={classes.brand}>
          <img src="/icon.svg" alt="" width={28} height={28} />
          Slipway
        </Link>
        <span className={classes.spacer} />
        <TenantSwitcher />
        <AccountMenu />
      </header>
      <Navigation />
      <main id="main" className={classes.main} tabIndex={-1}>
        <Suspense>
          <Outlet />
        </Suspense>
      </main>
      <div className={corner.corner}>
        <BulkPanel />
        <UploadPanel />
      </div>
    </div>
  )
}

/** Operators see what is of the platform; jobs are for admins. */
function Navigation() {
  const { isOperator } = useSignedIn()
  const isAdmin = useMay('admin')
  const shown = places.filter(({ to }) => (isOperator ? to === '/' || to === '/jobs' : isAdmin || to !== '/jobs'))
  return (
    <nav className={classes.nav} aria-label="Screens">
      {shown.map(({ to, label, icon: Icon }) => (
        <Link key={to} to={to} className={classes.link} activeOptions={{ exact: to === '/' }}>
          <Icon size={20} aria-hidden />
          {label}
        </Link>
      ))}
    </nav>
  )
}
