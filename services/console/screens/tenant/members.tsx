import { Button, Select, Stack, Table, Text } from '@mantine/core'
import { useState } from 'react'
import type { ItemOf, Role } from '../../api/calls.ts'
import { api } from '../../api/runtime.ts'
import { useChange, useList, useMay, useSignedIn } from '../../api/use-api.ts'
import { momentText } from '../../api/words.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { tell, tellProblem } from '../../parts/tell.tsx'
import { Invitations } from './invitations.tsx'
import { roles } from './roles.ts'

type Member = ItemOf<'GET /api/v1/members'>

export function Members() {
  const members = useList('GET /api/v1/members')
  const isAdmin = useMay('admin')
  return (
    <Stack gap="xl">
      <Loaded query={members}>
        {(items) => (
          <Table aria-label="Members">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Person</Table.Th>
                <Table.Th>Role</Table.Th>
                <Table.Th>
                  <span className="visually-hidden">Actions</span>
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {items.map((member) => (
                <MemberRow key={member.id} member={member} />
              ))}
            </Table.Tbody>
          </Table>
        )}
      </Loaded>
      {isAdmin && <Invitations />}
    </Stack>
  )
}

function MemberRow({ member }: { readonly member: Member }) {
  const { person } = useSignedIn()
  const isAdmin = useMay('admin')
  const [asking, setAsking] = useState(false)
  const params = { id: member.id }
  const paths = ['/api/v1/members', '/api/v1/audit']
  const change = useChange((role: Role) => api.call('PATCH /api/v1/members/{id}', { params, body: { role } }), paths)
  const remove = useChange(() => api.call('DELETE /api/v1/members/{id}', { params }), paths)
  const isSelf = person?.id === member.id
  return (
    <Table.Tr>
      <Table.Th scope="row" fw={400}>
        {member.name} {isSelf && '(you)'}
        <Text size="sm" c="dimmed">
          {member.email}, since {momentText(member.joinedAt)}
        </Text>
      </Table.Th>
      <Table.Td>
        {isAdmin ? (
          <Select
            aria-label={`Role of ${member.name}`}
            w={120}
            size="xs"
            data={roles}
            allowDeselect={false}
            comboboxProps={{ withinPortal: false }}
            value={member.role}
            onChange={(role) => role && change.mutate(role, { onSuccess: () => tell('The role is changed'), onError: tellProblem })}
          />
        ) : (
          <Text size="sm">{member.role}</Text>
        )}
      </Table.Td>
      <Table.Td ta="right">
        {(isAdmin || isSelf) && (
          <Button
            size="xs"
            variant="light"
            color="red"
            onClick={() => setAsking(true)}
            aria-label={isSelf ? 'Leave the tenant' : `Remove ${member.name}`}
          >
            {isSelf ? 'Leave' : 'Remove'}
          </Button>
        )}
        <Confirm
          opened={asking}
          title={isSelf ? 'Leave this tenant?' : `Remove ${member.name}?`}
          action={isSelf ? 'Leave' : 'Remove'}
          busy={remove.isPending}
          onClose={() => setAsking(false)}
          onConfirm={() => remove.mutate(undefined, { onSuccess: () => setAsking(false), onError: tellProblem })}
        >
          Their tokens and API keys for this tenant stop working within five seconds. They can be invited again.
        </Confirm>
      </Table.Td>
    </Table.Tr>
  )
}
