import { Text } from '@mantine/core'
import { Dropzone } from '@mantine/dropzone'
import { uploads } from '../../api/work.ts'
import { fileTarget } from './file-target.ts'

interface UploadZoneProps {
  readonly folderId: string | null
}

export function UploadZone({ folderId }: UploadZoneProps) {
  return (
    <Dropzone
      onDrop={(files) => uploads.add(files, fileTarget(folderId))}
      multiple
      p="md"
      aria-label="Upload files"
      inputProps={{ 'aria-label': 'Files to upload' }}
    >
      <Text ta="center">Drop files here, or press to choose</Text>
      <Text ta="center" size="sm" c="dimmed">
        They are scanned for malware while they arrive
      </Text>
    </Dropzone>
  )
}
