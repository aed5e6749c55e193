import { Button } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useCall, useMay } from '../../api/use-api.ts'
import { Empty } from '../../parts/empty.tsx'

/** What to do in a tenant that has nothing yet. */
export function FirstSteps() {
  const usage = useCall('GET /api/v1/files/usage')
  const mayUpload = useMay('member')
  if (!usage.data || usage.data.used.files > 0) return null
  return (
    <Empty
      title="Nothing is stored yet"
      action={
        mayUpload && (
          <Button component={Link} to="/files">
            Upload a first file
          </Button>
        )
      }
    >
      {mayUpload
        ? 'Drop files on the Files screen: each is scanned for malware before anybody can read it.'
        : 'As soon as a member uploads files, you can read them on the Files screen.'}
    </Empty>
  )
}
