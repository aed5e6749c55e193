import { Badge, Button, Group, Select, Stack, Table, Text, Title, UnstyledButton } from '@mantine/core'
import { useState } from 'react'
import type { JobItem } from '../../api/calls.ts'
import type { ServiceName } from '../../api/services.ts'
import { usePages, useSignedIn } from '../../api/use-api.ts'
import { momentText } from '../../api/words.ts'
import { Empty } from '../../parts/empty.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { jobStates, queryOf } from './filter.ts'
import { JobDetails } from './job-details.tsx'
import { timesText } from './times.ts'

interface JobListProps {
  readonly service: ServiceName
  readonly queue: string | undefined
  readonly state: string | undefined
  readonly onChoose: (search: { queue?: string; state?: string }) => void
}

const colours: Readonly<Record<string, string>> = { completed: 'green', dead: 'red', failed: 'red', retrying: 'yellow', active: 'indigo' }

export function JobList({ service, queue, state, onChoose }: JobListProps) {
  const jobs = usePages(`GET /api/v1/${service}/jobs`, { query: { limit: 50, ...queryOf(queue, state) } }, { every: 5000 })
  const [opened, setOpened] = useState<string | null>(null)
  const within = queue === undefined ? {} : { queue }
  return (
    <Stack component="section" aria-label="Jobs">
      <Group justify="space-between">
        <Title order={2} size="h4">
          {queue ?? 'All queues'}
        </Title>
        <Group gap="xs">
          <Select
            aria-label="State"
            placeholder="Any state"
            clearable
            size="xs"
            data={jobStates}
            comboboxProps={{ withinPortal: false }}
            value={state ?? null}
            onChange={(next) => onChoose(next === null ? within : { ...within, state: next })}
          />
          {queue && (
            <Button size="xs" variant="default" onClick={() => onChoose({})}>
              All queues
            </Button>
          )}
        </Group>
      </Group>
      <Loaded query={jobs}>
        {(items) =>
          items.length === 0 ? (
            <Empty title="No such jobs">Work appears here as soon as somebody gives some, and stays for a while after it has ended.</Empty>
          ) : (
            <Table aria-label="Jobs">
              <Table.Tbody>
                {items.map((job) => (
                  <JobRow key={job.id} job={job} onOpen={() => setOpened(job.id)} />
                ))}
              </Table.Tbody>
            </Table>
          )
        }
      </Loaded>
      {jobs.hasNextPage && (
        <Group justify="center">
          <Button variant="default" loading={jobs.isFetchingNextPage} onClick={() => void jobs.fetchNextPage()}>
            Show older jobs
          </Button>
        </Group>
      )}
      {opened !== null && <JobDetails service={service} id={opened} onClose={() => setOpened(null)} />}
    </Stack>
  )
}

function JobRow({ job, onOpen }: { readonly job: JobItem; readonly onOpen: () => void }) {
  const { isOperator } = useSignedIn()
  const facts = [momentText(job.createdAt), timesText(job), isOperator ? `tenant ${job.tenantId ?? 'none: the platform’s own'}` : '']
  return (
    <Table.Tr>
      <Table.Th scope="row" fw={400}>
        <UnstyledButton onClick={onOpen}>
          <Text>{job.queue}</Text>
          <Text size="sm" c="dimmed">
            {facts.filter((fact) => fact !== '').join(', ')}
          </Text>
          {job.reason && <Text size="sm">{job.reason}</Text>}
        </UnstyledButton>
      </Table.Th>
      <Table.Td ta="right">
        <Badge variant="light" tt="none" color={colours[job.state] ?? 'gray'}>
          {job.state}
        </Badge>
      </Table.Td>
    </Table.Tr>
  )
}
