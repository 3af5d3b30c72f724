import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.zip.CRC32C;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * What a read_committed consumer of the JVM reads of topics, up to the ends it finds: one line a record, "topic partition offset
 * timestamp checksum-of-value". Arguments: the brokers, the bytes of a partition's fetch, the topics.
 */
public final class ReadTopics {
  public static void main(String[] args) {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", args[0]);
    settings.put("max.partition.fetch.bytes", args[1]);
    settings.put("isolation.level", "read_committed");
    settings.put("key.deserializer", ByteArrayDeserializer.class);
    settings.put("value.deserializer", ByteArrayDeserializer.class);
    StringBuilder lines = new StringBuilder();
    try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings)) {
      List<TopicPartition> partitions = new ArrayList<>();
      for (int at = 2; at < args.length; at += 1) {
        for (var info : consumer.partitionsFor(args[at])) partitions.add(new TopicPartition(args[at], info.partition()));
      }
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      var ends = consumer.endOffsets(partitions);
      while (!partitions.stream().allMatch(each -> consumer.position(each) >= ends.get(each))) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
          CRC32C checksum = new CRC32C();
          checksum.update(record.value());
          lines.append(record.topic()).append(' ').append(record.partition()).append(' ').append(record.offset());
          lines.append(' ').append(record.timestamp()).append(' ').append(checksum.getValue()).append('\n');
        }
      }
    }
    System.out.print(lines);
  }
}
