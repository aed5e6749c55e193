import { SegmentedControl, Stack } from '@mantine/core'
import { getRouteApi } from '@tanstack/react-router'
import { serviceNames, serviceTitles } from '../../api/services.ts'
import { CopyAsCurl } from '../../parts/copy-as-curl.tsx'
import { Screen } from '../../parts/screen.tsx'
import { queryOf } from './filter.ts'
import { JobList } from './job-list.tsx'
import { QueueTable } from './queue-table.tsx'

const route = getRouteApi('/workplace/jobs')

/** An admin sees the jobs of the tenant, an operator those of the platform: the API decides by the token. */
export function Jobs() {
  const { service: asked, queue, state } = route.useSearch()
  const navigate = route.useNavigate()
  const service = serviceNames.find((name) => name === asked) ?? 'files'
  const choose = (search: { queue?: string; state?: string }) => void navigate({ search: { service, ...search } })
  return (
    <Screen title="Jobs" actions={<CopyAsCurl call={`GET /api/v1/${service}/jobs`} input={{ query: queryOf(queue, state) }} />}>
      <Stack gap="lg">
        <SegmentedControl
          aria-label="Service"
          value={service}
          data={serviceNames.map((value) => ({ value, label: serviceTitles[value] }))}
          onChange={(next) => void navigate({ search: { service: next } })}
        />
        <QueueTable service={service} onChoose={choose} />
        <JobList service={service} queue={queue} state={state} onChoose={choose} />
      </Stack>
    </Screen>
  )
}
