import { Button, Group, Select, Stack, Table, Text, TextInput, Title } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import type { Role } from '../../api/calls.ts'
import { api } from '../../api/runtime.ts'
import { useChange, useList } from '../../api/use-api.ts'
import { momentText } from '../../api/words.ts'
import { Loaded } from '../../parts/loaded.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { tell, tellProblem } from '../../parts/tell.tsx'
import { roles } from './roles.ts'

export function Invitations() {
  const invitations = useList('GET /api/v1/invitations')
  const cancel = useChange((id: string) => api.call('DELETE /api/v1/invitations/{id}', { params: { id } }), ['/api/v1/invitations'])
  return (
    <Stack component="section" aria-label="Invitations">
      <Title order={2} size="h4">
        Invite somebody
      </Title>
      <InviteForm />
      <Loaded query={invitations}>
        {(items) =>
          items.length === 0 ? (
            <Text c="dimmed">No invitation waits for an answer.</Text>
          ) : (
            <Table aria-label="Invitations">
              <Table.Tbody>
                {items.map(({ id, email, role, expiresAt }) => (
                  <Table.Tr key={id}>
                    <Table.Th scope="row" fw={400}>
                      {email}
                      <Text size="sm" c="dimmed">
                        as {role}, until {momentText(expiresAt)}
                      </Text>
                    </Table.Th>
                    <Table.Td ta="right">
                      <Button
                        size="xs"
                        variant="default"
                        aria-label={`Take back the invitation of ${email}`}
                        onClick={() => cancel.mutate(id, { onError: tellProblem })}
                      >
                        Take back
                      </Button>
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          )
        }
      </Loaded>
    </Stack>
  )
}

function InviteForm() {
  const [email, setEmail] = useState('')
  const [role, setRole] = useState<Role>('member')
  const invite = useChange(() => api.call('POST /api/v1/invitations', { body: { email, role } }), ['/api/v1/invitations', '/api/v1/audit'])
  const done = () => {
    tell(`A mail to ${email} is on its way`)
    setEmail('')
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    invite.mutate(undefined, { onSuccess: done })
  }
  return (
    <form onSubmit={submit}>
      <Group align="flex-end">
        <TextInput label="Mail address" type="email" required value={email} onChange={(event) => setEmail(event.currentTarget.value)} />
        <Select
          label="Role"
          w={120}
          data={roles}
          allowDeselect={false}
          comboboxProps={{ withinPortal: false }}
          value={role}
          onChange={(value) => setRole(value ?? 'member')}
        />
        <Button type="submit" loading={invite.isPending}>
          Invite
        </Button>
      </Group>
      {invite.error && <ProblemAlert error={invite.error} />}
    </form>
  )
}
