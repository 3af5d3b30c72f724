import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Feeds a cluster, changes it, and reads it with read_committed: nothing of Millrace judges Millrace. Argument: the brokers. A
 * line of standard input is a JSON object with `id`, `do` and what that takes; its answer is a line `{id, value}` or
 * `{id, error}`, in any order. Ends with its input.
 */
public final class Witness {
  private static final ObjectMapper JSON = new ObjectMapper();
  /** Of a text: behind it is what only makes records large. */
  private static final int SHOWN_MAX = 40;
  private static final ExecutorService WORK =
      Executors.newCachedThreadPool(
          task -> {
            Thread thread = new Thread(task);
            thread.setDaemon(true);
            return thread;
          });

  private final String brokers;
  private final Admin admin;
  private Feed feed;
  private Watch watch;

  private Witness(String brokers) {
    this.brokers = brokers;
    Properties settings = clientSettings(brokers);
    settings.put("request.timeout.ms", "5000");
    settings.put("default.api.timeout.ms", "15000");
    admin = Admin.create(settings);
  }

  public static void main(String[] args) throws Exception {
    Witness witness = new Witness(args[0]);
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
    for (String line; (line = input.readLine()) != null; ) {
      JsonNode request = JSON.readTree(line);
      WORK.execute(() -> answer(request.get("id").asInt(), witness, request));
    }
    System.exit(0);
  }

  private static void answer(int id, Witness witness, JsonNode request) {
    Map<String, Object> answer = new HashMap<>();
    answer.put("id", id);
    try {
      answer.put("value", witness.perform(request.get("do").asText(), request));
    } catch (Throwable reason) {
      Throwable cause = reason instanceof ExecutionException && reason.getCause() != null ? reason.getCause() : reason;
      answer.put("error", cause.toString());
    }
    try {
      String line = JSON.writeValueAsString(answer);
      synchronized (System.out) {
        System.out.println(line);
      }
    } catch (Exception reason) {
      throw new IllegalStateException(reason);
    }
  }

  private Object perform(String what, JsonNode request) throws Exception {
    switch (what) {
      case "createTopic": return createTopic(request);
      case "deleteTopics": return admin.deleteTopics(texts(request.get("topics"))).all().get();
      case "topics": return admin.listTopics().names().get();
      case "describe": return describe(request.get("topic").asText());
      case "setTopic": return setTopic(request);
      case "deleteRecords": return deleteRecords(request);
      case "ends": return ends(request.get("topic").asText());
      case "committed": return committed(request.get("group").asText());
      case "groupCoordinator": {
        String group = request.get("group").asText();
        return admin.describeConsumerGroups(List.of(group)).all().get().get(group).coordinator().id();
      }
      case "groupMembers": {
        String group = request.get("group").asText();
        return admin.describeConsumerGroups(List.of(group)).all().get().get(group).members().size();
      }
      case "transactionCoordinator": {
        String id = request.get("transactionalId").asText();
        return admin.describeTransactions(List.of(id)).all().get().get(id).coordinatorId();
      }
      case "transactions": {
        Map<String, String> states = new HashMap<>();
        admin.listTransactions().all().get().forEach(each -> states.put(each.transactionalId(), each.state().toString()));
        return states;
      }
      case "grant": return admin.createAcls(List.of(acl(request))).all().get();
      case "revoke": return admin.deleteAcls(List.of(acl(request).toFilter())).all().get().size();
      case "setPassword": {
        ScramCredentialInfo info = new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096);
        String password = request.get("password").asText();
        return admin
            .alterUserScramCredentials(List.of(new UserScramCredentialUpsertion(request.get("user").asText(), info, password)))
            .all().get();
      }
      case "fill": return fill(request);
      case "feed":
        feed = new Feed(brokers, request);
        WORK.execute(feed);
        return null;
      case "stopFeed":
        feed.stopped = true;
        feed.ended.await();
        // Fallthrough: what it has done.
      case "fed": return Map.of("sent", feed.sent.get(), "acknowledged", feed.acknowledged.get(), "failures", feed.failures);
      case "watch":
        if (watch != null) watch.stopped = true;
        watch = new Watch(brokers, texts(request.get("topics")));
        WORK.execute(watch);
        watch.ready.await();
        return null;
      case "seen": return watch.seen(request.get("from").asInt());
      case "read": return read(request.get("topic").asText());
      default: throw new IllegalArgumentException("what is " + what);
    }
  }

  private Object createTopic(JsonNode request) throws Exception {
    Map<String, String> settings = new HashMap<>();
    request.get("settings").properties().forEach(each -> settings.put(each.getKey(), each.getValue().asText()));
    NewTopic topic = new NewTopic(request.get("topic").asText(), Optional.of(request.get("partitions").asInt()), Optional.empty());
    return admin.createTopics(List.of(topic.configs(settings))).all().get();
  }

  private Object describe(String topic) throws Exception {
    return admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().stream()
        .map(each -> Map.of("leader", each.leader() == null ? -1 : each.leader().id(), "inSync", each.isr().size()))
        .toList();
  }

  private Object setTopic(JsonNode request) throws Exception {
    ConfigEntry entry = new ConfigEntry(request.get("name").asText(), request.get("value").asText());
    ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, request.get("topic").asText());
    return admin.incrementalAlterConfigs(Map.of(topic, List.of(new AlterConfigOp(entry, AlterConfigOp.OpType.SET)))).all().get();
  }

  private Object deleteRecords(JsonNode request) throws Exception {
    TopicPartition partition = new TopicPartition(request.get("topic").asText(), request.get("partition").asInt());
    RecordsToDelete before = RecordsToDelete.beforeOffset(request.get("before").asLong());
    return admin.deleteRecords(Map.of(partition, before)).lowWatermarks().get(partition).get().lowWatermark();
  }

  private List<Long> ends(String topic) {
    try (KafkaConsumer<byte[], byte[]> consumer = consumer(brokers)) {
      List<TopicPartition> partitions = partitionsOf(consumer, topic);
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
      return partitions.stream().map(ends::get).toList();
    }
  }

  private Object committed(String group) throws Exception {
    Map<String, Long> offsets = new HashMap<>();
    admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get()
        .forEach((partition, offset) -> offsets.put(partition.toString(), offset == null ? -1 : offset.offset()));
    return offsets;
  }

  private static AclBinding acl(JsonNode request) {
    ResourceType type = ResourceType.fromString(request.get("resource").asText());
    PatternType pattern = PatternType.valueOf(request.get("pattern").asText().toUpperCase());
    AclPermissionType permission = AclPermissionType.fromString(request.get("permission").asText());
    AclOperation operation = AclOperation.fromString(request.get("operation").asText());
    String principal = "User:" + request.get("user").asText();
    return new AclBinding(
        new ResourcePattern(type, request.get("name").asText(), pattern),
        new AccessControlEntry(principal, "*", operation, permission));
  }

  /** A row for each key: `k-n` is `name-n`. */
  private Object fill(JsonNode request) {
    try (KafkaProducer<String, String> producer = producer(brokers)) {
      for (int n = 0; n < request.get("keys").asInt(); n += 1)
        producer.send(new ProducerRecord<>(request.get("topic").asText(), "k-" + n, request.get("name").asText() + "-" + n));
    }
    return null;
  }

  /** All committed records up to the ends that are found at the start: partition, offset, key, value. */
  private Object read(String topic) {
    List<Object> found = new ArrayList<>();
    try (KafkaConsumer<byte[], byte[]> consumer = consumer(brokers)) {
      List<TopicPartition> partitions = partitionsOf(consumer, topic);
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
      long quietSince = System.nanoTime();
      while (!partitions.stream().allMatch(each -> consumer.position(each) >= ends.get(each))) {
        var records = consumer.poll(Duration.ofMillis(200));
        if (!records.isEmpty()) quietSince = System.nanoTime();
        if (System.nanoTime() - quietSince > 60e9) throw new IllegalStateException("no record of " + topic + " for 60 s");
        for (ConsumerRecord<byte[], byte[]> each : records)
          found.add(List.of(each.partition(), each.offset(), text(each.key()), text(each.value())));
      }
    }
    return found;
  }

  /** Counts are numbers of eight bytes, all else is text. */
  private static String text(byte[] bytes) {
    if (bytes == null) return "null";
    if (bytes.length == 8 && bytes[0] == 0) return "" + java.nio.ByteBuffer.wrap(bytes).getLong();
    String text = new String(bytes, java.nio.charset.StandardCharsets.UTF_8);
    return text.substring(0, Math.min(text.length(), SHOWN_MAX));
  }

  private static final long HEARD_NS_MAX = 30_000_000_000L;

  private static List<String> texts(JsonNode list) {
    List<String> texts = new ArrayList<>();
    list.forEach(each -> texts.add(each.asText()));
    return texts;
  }

  private static Properties clientSettings(String brokers) {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", brokers);
    settings.put("reconnect.backoff.max.ms", "500");
    settings.put("metadata.max.age.ms", "2000");
    // A broker that stands still must not blind who writes the input and reads the output: what is measured is the application.
    settings.put("request.timeout.ms", "2000");
    settings.put("socket.connection.setup.timeout.ms", "2000");
    return settings;
  }

  private static KafkaProducer<String, String> producer(String brokers) {
    Properties settings = clientSettings(brokers);
    settings.put("linger.ms", "5");
    // Longer than any fault: what is fed is there in the end, once and in order.
    settings.put("delivery.timeout.ms", "900000");
    settings.put("max.block.ms", "900000");
    return new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
  }

  private static KafkaConsumer<byte[], byte[]> consumer(String brokers) {
    Properties settings = clientSettings(brokers);
    settings.put("isolation.level", "read_committed");
    settings.put("auto.offset.reset", "earliest");
    settings.put("enable.auto.commit", "false");
    return new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  /** A broker that has not heard yet of a topic that was just made says that it has no partitions: who believed it would witness nothing of it. */
  private static List<TopicPartition> partitionsOf(KafkaConsumer<?, ?> consumer, String topic) {
    long endNs = System.nanoTime() + HEARD_NS_MAX;
    while (true) {
      List<PartitionInfo> found = consumer.partitionsFor(topic);
      if (found != null && !found.isEmpty())
        return found.stream()
            .map(each -> new TopicPartition(topic, each.partition()))
            .sorted((left, right) -> left.partition() - right.partition())
            .toList();
      if (System.nanoTime() > endNs) throw new IllegalStateException("no broker has heard of topic " + topic);
      java.util.concurrent.locks.LockSupport.parkNanos(50_000_000L);
    }
  }

  /** Input at a steady rate: the n-th record is `k-(n % keys)`, `n g(n % 7) …`, with the time of now and so many bytes behind it. */
  private static final class Feed implements Runnable {
    final AtomicLong sent = new AtomicLong();
    final AtomicLong acknowledged = new AtomicLong();
    final List<String> failures = new java.util.concurrent.CopyOnWriteArrayList<>();
    final CountDownLatch ended = new CountDownLatch(1);
    volatile boolean stopped;
    private final String brokers;
    private final String topic;
    private final long from;
    private final long total;
    private final int perSecond;
    private final int keys;
    private final String ballast;

    Feed(String brokers, JsonNode request) {
      this.brokers = brokers;
      topic = request.get("topic").asText();
      from = request.get("from").asLong();
      total = request.get("total").asLong();
      perSecond = request.get("perSecond").asInt();
      keys = request.get("keys").asInt();
      ballast = " ".repeat(request.get("ballastBytes").asInt());
    }

    @Override
    public void run() {
      try (KafkaProducer<String, String> producer = producer(brokers)) {
        long startNs = System.nanoTime();
        for (long n = from; n < from + total && !stopped; n += 1) {
          while (!stopped && n - from > (System.nanoTime() - startNs) / 1e9 * perSecond) Thread.sleep(2);
          var record = new ProducerRecord<>(topic, "k-" + n % keys, n + " g" + n % 7 + ballast);
          producer.send(record, (metadata, reason) -> {
            if (reason == null) acknowledged.incrementAndGet();
            else if (failures.size() < 5) failures.add(reason.toString());
          });
          sent.incrementAndGet();
        }
      } catch (Throwable reason) {
        failures.add(reason.toString());
      } finally {
        ended.countDown();
      }
    }
  }

  /** Notes when committed records of topics arrive, from its start on, through every fault. */
  private static final class Watch implements Runnable {
    final CountDownLatch ready = new CountDownLatch(1);
    volatile boolean stopped;
    private final String brokers;
    private final Collection<String> topics;
    private final List<List<Object>> arrivals = new ArrayList<>();
    /** What has ended it, which would look like output that does not come. */
    private Throwable failure;

    Watch(String brokers, Collection<String> topics) {
      this.brokers = brokers;
      this.topics = topics;
    }

    /** Of each arrival: when, topic, partition, how many records, the latest of their timestamps. */
    synchronized List<List<Object>> seen(int from) {
      if (failure != null) throw new IllegalStateException("the witness sees nothing more: " + failure, failure);
      return List.copyOf(arrivals.subList(from, arrivals.size()));
    }

    @Override
    public void run() {
      try (KafkaConsumer<byte[], byte[]> consumer = consumer(brokers)) {
        List<TopicPartition> partitions = new ArrayList<>();
        for (String topic : topics) partitions.addAll(partitionsOf(consumer, topic));
        consumer.assign(partitions);
        consumer.seekToBeginning(partitions);
        partitions.forEach(consumer::position);
        ready.countDown();
        while (!stopped) note(consumer.poll(Duration.ofMillis(200)));
      } catch (Throwable reason) {
        synchronized (this) {
          failure = reason;
        }
      } finally {
        ready.countDown();
      }
    }

    private synchronized void note(org.apache.kafka.clients.consumer.ConsumerRecords<byte[], byte[]> records) {
      long nowMs = System.currentTimeMillis();
      for (TopicPartition each : records.partitions()) {
        var list = records.records(each);
        long latestMs = list.stream().mapToLong(ConsumerRecord::timestamp).max().orElse(0);
        arrivals.add(List.of(nowMs, each.topic(), each.partition(), list.size(), latestMs));
      }
    }
  }
}
