/** Codes of errors of the command line and the HTTP server. The format is that of `error-codes.ts`. */
export const SERVING_CODES = `
# Projections

NOT_AN_INPUT
  A store was to show an offset of a topic that does not lead to it.
  Name one of the topics that the message lists.
STALE
  A store did not show within the time given what a write has led to.
  Ask again, or read without waiting; the staleness tells how far behind the store is.
VERSION_IN_USE
  The version of a projection that reads come from, or that is being built, was to be removed.
  Switch to another one first.
VERSION_UNKNOWN
  A projection has no version before the present one in this process.
  Name the version to switch to.
STALENESS_UNKNOWN
  A store is filled from no topic whose name is known, or no monitor of its staleness was given.
  Name a store that topics lead to, or give the HTTP server a monitor.

# Outside databases

OUTBOX_LOCK_LOST
  The connection that holds the lock of an outbox has ended.
  Nothing: this process or another takes the lock again, and goes on where the topic ends.
OUTBOX_REWOUND
  The database of an outbox has given out fewer transaction ids than before: it was restored from an older state.
  Delete the rows that are in the topic, and open the outbox under another name.
OUTBOX_ROW_REFUSED
  A row of an outbox cannot become a record: the callback or a serde throws, or the brokers refuse it. Those behind it wait.
  Mend or delete the row that the message names, and open the outbox again.
OUTBOX_TABLE_CHANGED
  The outbox has drained another table or database before.
  Delete the rows that are in the topic, and open the outbox under another name.
OUTBOX_TABLE_UNFIT
  The table of an outbox is missing, or is not as outboxTableSql makes it.
  Make it with those statements; the outbox goes on by itself.
OUTBOX_TIMEOUT
  The database of an outbox did not answer in time; the connection is cut.
  Look at what the database waits for; raise statementTimeoutMs where it is just slow.
POSTGRES_CLIENT_MISSING
  A connection string was given, and the package pg is not installed, or does not load.
  npm install pg; or give a pool of your own.
UPSERT_TABLE_UNFIT
  The table of an upsert sink lacks a column or a unique index, or refuses the nulls of a deletion. Its rows wait.
  Alter the table as the message says; the sink goes on by itself.
UPSERT_TIMEOUT
  The target of an upsert sink did not take a batch in time. Its rows are tried again.
  Look at what the database waits for; raise writeTimeoutMs, or lower batchRowsMax, where batches are just large.

# Command line

APPLICATION_MISSING
  millrace dlq names neither a topology file nor an application.
  Give the file, or --application-id.
APPLICATION_TWICE
  Two of the files are the same application.
  Give one of them an applicationId of its own.
BROKER_IN_MEMORY
  The command needs records that a broker in memory has forgotten.
  Name an embedded broker's --state-dir, or a Kafka cluster.
CANCELLED
  The questions of millrace init were broken off.
  Nothing was written; run it again.
CLIENT_CONFIG_INVALID
  A line of the file of --client-config is not name=value.
  Mend the line that the message names.
CLIENT_CONFIG_UNREADABLE
  The file of --client-config cannot be read.
  Mend its path or its rights.
CLIENT_CONFIG_UNUSED
  --client-config was given, and the brokers are no Kafka cluster.
  Leave it out, or name a cluster (--brokers).
CLOSE_TIMEOUT
  Something has not closed in time.
  Look at what the message names: a service must end its connections.
COMMAND_INCOMPLETE
  millrace control lacks an operator or a letter, or has one too many.
  Give what the message names.
CONFIG_FILE_BROKEN
  The config file does not load.
  Mend the error, which is the cause.
CONFIG_FILE_INVALID
  The config file exports something that it must not.
  Export what the message says.
CONFIG_FILE_MISSING
  There is no file at the path of --config.
  Mend the path.
CONFIG_FILE_TWICE
  There are two config files in the directory.
  Remove one, or name one (--config).
CONFLICTING_OPTIONS
  Two options contradict each other.
  Leave out one of them.
CONSOLE_NOT_STARTED
  A process of the console has ended before its applications ever ran.
  Mend what it has printed above.
CONSOLE_OFF
  An option of the console was given without it.
  Add --console, or leave the option out.
CONSOLE_STAYS
  --exit-when-idle was given with --console, which stays.
  Leave one of them out.
CONTROL_TOPIC_MISSING
  The topics of an application's commands are not there, since it has not run with an operator with retry.
  Start it once, which makes them; then command.
DIRECTORY_MISSING
  millrace init was given no directory, and cannot ask.
  Name it: millrace init my-app.
DIRECTORY_NOT_EMPTY
  The directory of a new project holds files.
  Name another one, or add --force.
EMBEDDED_BROKER_MISSING
  There is no embedded broker in the state directory.
  Name its --state-dir, or a Kafka cluster.
FETCH_UNUSED
  --fetch was given, and the brokers are no Kafka cluster.
  Leave it out.
FILE_MISSING
  No topology file was named.
  Name at least one.
GROUP_NOT_EMPTY
  The application that is to be reset is running.
  Stop its members first; one that has crashed leaves after its sessionTimeoutMs.
INPUT_INVALID
  A line of an input cannot be made a record.
  Mend the line that the message names.
INPUT_UNREADABLE
  The file of an input cannot be read.
  Mend its path or its rights.
INPUT_WITHOUT_KEY
  A line of an input has no key before the separator.
  Mend the line, or the separator.
INSTALL_FAILED
  The dependencies of a new project could not be installed.
  The project is there: install by hand.
INTERRUPTED
  The command was told to stop.
  Run it again.
INVALID_KEY
  The key of a command cannot be read as one of the operator's keys.
  Give it as millrace control FILE list prints keys; JSON for what is no text.
INVALID_PORT
  PORT is no port, or there are too few behind it for the services.
  Give a number from 0 to 65535.
LEDGER_UNREADABLE
  The topic <applicationId>-dlq-ledger has a record that is none of its entries.
  Find out what writes to it; delete the topic to begin anew: then letters that were replayed are open again.
LETTER_MISSING
  show of millrace dlq names no letter.
  Give the id that list prints.
NOTHING_TO_READ
  millrace consume was to read from the end, and not to wait.
  Add --follow.
NOT_A_DIRECTORY
  The directory of a new project is a file.
  Name another one.
NOT_CONFIRMED
  Topics would be deleted.
  Add --yes to do it.
NO_OPERATOR_WITH_RETRY
  Dead letters or control of an application are asked for, and it has no operator with retry.
  Give an operator retry; for dead letters of others look at deadLetterQueueTopic with millrace consume.
NO_SCHEDULES
  Schedules of an application are asked for, and its topology has none; or none as data, and one is to be written.
  Add builder.schedule, or builder.schedules with the sinks that schedules may fire to.
ONE_FILE_ONLY
  An option is for one application, and several files were named.
  Run each file by itself.
OPERATOR_GONE
  The topology has no operator of that name any more, so nothing would take its dead letters again.
  List and purge them, or replay them with a version that has the operator.
PARTITION_MISSING
  Offsets were given for a topic that has several partitions.
  Add --partition.
PROCESSES_NEED_KAFKA
  --processes was given, and the broker lives in one process.
  Name a Kafka cluster, or leave it out.
PROCESS_USAGE
  A process of --processes refuses its command line.
  Mend what it has printed.
PRODUCE_UNUSED
  --produce was given, and the brokers are no Kafka cluster.
  Leave it out.
PROJECT_NOT_WRITTEN
  A new project could not be written; its directory is as it was.
  Mend the cause: rights, or room on the disk.
PURGE_UNBOUNDED
  millrace dlq FILE purge says nothing about which letters.
  Name letters, or give --operator, --key, --error, --reason, --since or --before.
PUT_INCOMPLETE
  millrace schedules FILE put lacks when the schedule fires, or where to.
  Give what the message names.
RECORD_UNREADABLE
  A record is not what --key-serde or --value-serde reads.
  Name the right one; bytes prints it as it is.
REPLAY_FENCED
  Somebody else has begun to replay or purge the dead letters of the same operator.
  See by millrace dlq FILE list --all what is done, and call again if something is left: nothing is done twice.
REPLAY_TOPIC_MISSING
  The topic from which an operator takes its dead letters again is not there, or has too few partitions.
  Start the application once, which makes it; then replay.
REPLICATION_FACTOR_UNUSED
  --replication-factor was given, and the brokers are no Kafka cluster.
  Leave it out.
RESET_INCOMPLETE
  A reset has ended in the middle.
  Run it again before you start the application.
SCHEDULES_TOPIC_MISSING
  The topic of an application's schedules is not there, since it has not run with them.
  Start it once, which makes the topic; then order.
SCHEDULE_IN_CODE
  A schedule is to be written or deleted that builder.schedule says.
  Change it in the code; or pause it.
SCHEDULE_MISSING
  millrace schedules lacks the id of a schedule, or has one too many.
  Take one that millrace schedules FILE list prints.
SCHEDULE_PAST
  A schedule is to fire once, at a time that is past.
  Give a time that comes.
SERVICE_NOT_DISPOSABLE
  service() of a topology's file returned what cannot be closed.
  Return an object with [Symbol.asyncDispose].
STANDARD_INPUT_TWICE
  Two inputs are standard input.
  Feed only one topic from it.
TOPOLOGY_FILE_BROKEN
  A topology's file does not load.
  Mend the error, which is the cause.
TOPOLOGY_FILE_INVALID
  A topology's file exports no topology, or something else that it must not.
  Export what the message says.
TOPOLOGY_FILE_MISSING
  There is no file at the path.
  Mend the path.
UNKNOWN_ACTION
  The command does not know what is to be done.
  Give one of the words that the message lists.
UNKNOWN_APPLICATION
  No dead letters of that application are there.
  Check --application-id and --brokers.
UNKNOWN_LETTER
  There is no dead letter of that id.
  Use one that millrace dlq FILE list prints; it may have been deleted by age.
UNKNOWN_OPERATOR
  No operator with retry has that name.
  Use the nearest one, which the message has.
UNKNOWN_PARTITION
  The topic has no such partition.
  Choose one of those that the message names.
UNKNOWN_SCHEDULE
  There is no schedule of that id.
  Take the id that the message names; millrace schedules FILE list prints those there are.
UNKNOWN_SINK
  A schedule is to fire to a sink that the code does not name.
  Name one that builder.schedules has in to.
WATCH_FAILED
  millrace dev cannot watch the files.
  Mend the cause; on Linux mostly the limit fs.inotify.max_user_watches.
# HTTP

ANSWER_NOT_KEPT
  A request came again under its Idempotency-Key, and its answer was larger than answerBytesMax.
  It was carried out; read what it made. Raise answerBytesMax where clients need the answer.
BAD_IDEMPOTENCY_KEY
  The header Idempotency-Key is missing where it is required, is empty, or is longer than 255 characters.
  Send a UUID that is made once for the operation.
IDEMPOTENCY_KEY_REUSED
  Another request came with the same Idempotency-Key.
  Make a new key for each operation; send the same request again under the same key.
REQUEST_UNDER_WAY
  A request with the same Idempotency-Key is being carried out.
  Ask again later with the same key.
BAD_BODY
  The body of a request to the console is not what its route takes.
  Send what the message says.
BAD_PARAMETER
  A parameter of a request cannot be used, or is not known.
  Mend the parameter that the message begins with.
BAD_REQUEST
  A request to the console, or for a channel, cannot be used.
  Mend what the message names; a channel is at <path>/events?channel=…&token=…&lastSeq=….
BODY_TOO_LARGE
  The body of a request to the console is too large.
  Send less at once.
CLIENT_TOO_SLOW
  A client of /changes reads more slowly than changes come; its stream ends.
  Read the store, then open /changes anew.
FAULTS_OFF
  A process of the console was to be broken, which is not allowed there.
  Start it with --console-faults.
FOREIGN_ORIGIN
  A page of another host wanted to write to the console, or has asked for a channel.
  Use a page of the same host, or a program; for channels, name the origin in origins of the hub.
INTERNAL
  A request failed.
  Look at the application's log.
INVALID_TOKEN
  The token is an empty text, as an unset variable of the environment may be.
  Give one with at least a character, or false to serve everybody.
KEY_NOT_FOUND
  The store has no such key.
  Nothing.
KEY_NOT_FOUND_HERE
  The parts of the store in this process have no such key, and it cannot be told whether it belongs to another.
  Ask the other processes.
KEY_NOT_PARSEABLE
  No text stands for the keys of the store.
  Give httpApp or serveHttp stores: { NAME: { parseKey } }.
LETTER_NOT_CORRECTABLE
  The operator did not get the value of the letter's record, but what others made of it.
  Write the corrected record to its topic, and purge the letter.
LISTEN_FAILED
  The port cannot be had.
  Choose another port, or end what has it.
METHOD_NOT_ALLOWED
  Only GET and HEAD are served.
  Read by one of them.
NOT_FOUND
  There is nothing at this path.
  Use one of those that the message lists.
NOT_LIVE
  The application is in state error.
  Look at its log; end the process.
NOT_READY
  The application is not in state running, or a key-value store is still being loaded.
  Wait, where the answer has Retry-After.
PAGE_MISSING
  The page of the console was not built.
  Build it: npm run build.
RESTARTING
  The process with the applications is away, and is started again.
  Ask again in a moment.
ROOM_NOT_OPEN
  The service of an application is not there, or not yet.
  Ask again in a moment.
TOKEN_NEEDED
  Others than this machine could ask, and there is no token.
  Give a token, or token: false to let everybody read.
UNAUTHORIZED
  A request has no token, or not the right one.
  Send the header Authorization: Bearer with it.
INVALID_SECRET
  A secret of a push hub is missing or shorter than 16 characters.
  Give a long random text, or a list of such while one replaces another; false serves everybody.
UNKNOWN_CHANNELS
  A push hub was given a name that no toChannels of the topology has.
  End a stream with toChannels of that name, or name the one there is.
CHANNEL_FORBIDDEN
  The token is for another channel.
  Ask the application for a token of this one.
INVALID_CHANNEL
  The name of a channel is missing, too long, or has control characters.
  Use 1 to 200 characters.
INVALID_SEQ
  lastSeq of a request for a channel is no whole number.
  Give the last number that was seen, or 0.
NOT_AVAILABLE
  The process does not serve channels now: it starts, or closes.
  Come back, to any process; the answer has Retry-After.
TOKEN_EXPIRED
  The token of a channel has ended.
  Ask the application for a new one.
TOKEN_FORGED
  The token of a channel was not made by a hub with one of these secrets and this name.
  Ask the application for a new one; give every process the same secret.
TOKEN_MISSING
  A channel is asked for without a token.
  Add the one that channelToken has made.
TOO_MANY_CLIENTS
  The hub of this process has as many clients as clientsMax allows.
  Come back later; raise clientsMax, or run more processes.
UNKNOWN_PROCESS
  The console has no process of this number that runs now.
  Look at /api/site.
WRONG_STORE_KIND
  A store was read as another kind than it is.
  Use the route that the message names.
`
