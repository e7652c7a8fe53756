"""Makes the documents of demo/samples: one small file per supported format.

    pip install python-docx python-pptx openpyxl reportlab pillow
    python3 demo/make_samples.py FONT.ttc

FONT is a TrueType font with Chinese and Latin characters, such as wqy-microhei.ttc of Debian's
package fonts-wqy-microhei (Apache-2.0). It draws the scan and is embedded, as a subset, in the
two-column PDF. The results are committed; run this only to change them. The texts are about a
made-up machine shop and a made-up medicine.
"""

import datetime
import io
import random
import sys
from pathlib import Path

import docx
import openpyxl
import pptx
import pptx.util
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen import canvas

HERE = Path(__file__).parent / "samples"
WHEN = datetime.datetime(2026, 1, 5, 9, 0)


def returns_policy():
    document = docx.Document()
    document.core_properties.title = "驿站机床退换货政策"
    document.core_properties.author = "Yizhan Machine Works"
    document.core_properties.created = document.core_properties.modified = WHEN
    document.add_heading("驿站机床退换货政策", 0)
    document.add_paragraph("本政策适用于 2026 年 1 月 1 日之后签收的所有整机与备件。")
    document.add_heading("退货期限", 1)
    document.add_paragraph("整机自签收之日起 15 天内可以退货，备件为 30 天。超过期限的退货须由区域经理书面批准。")
    document.add_heading("退货步骤", 1)
    for step in ["拨打 400-810-0850 取得退货编号（RMA）。", "用原包装装箱，并在箱外写明退货编号。", "交由顺达物流取件，运费由责任方承担。"]:
        document.add_paragraph(step, style="List Number")
    document.add_heading("折旧费", 1)
    table = document.add_table(rows=1, cols=3, style="Table Grid")
    for cell, text in zip(table.rows[0].cells, ["使用时间", "整机折旧", "备件折旧"]):
        cell.text = text
    for row in [("未开机", "0 %", "0 %"), ("不超过 20 小时", "5 %", "10 %"), ("20 至 100 小时", "12 %", "不予退货")]:
        for cell, text in zip(table.add_row().cells, row):
            cell.text = text
    document.add_heading("English summary", 1)
    document.add_paragraph(
        "Machines may be returned within 15 days of delivery, spare parts within 30 days. "
        "Spindles that have run for more than 100 hours cannot be returned."
    )
    document.save(HERE / "returns-policy.docx")


def price_list():
    book = openpyxl.Workbook()
    book.properties.created = book.properties.modified = WHEN
    sheet = book.active
    sheet.title = "价格表"
    sheet.append(["驿站机床 2026 年价格表（不含税）"])
    sheet.append([])
    sheet.append(["型号", "名称", "单价", "折扣", "生效日期"])
    rows = [
        ("YZ-850", "立式加工中心", 328000, 0.05, datetime.date(2026, 1, 1)),
        ("YZ-1060", "龙门加工中心", 586500, 0.03, datetime.date(2026, 2, 1)),
        ("SP-12K", "12000 转电主轴", 42800.5, 0, datetime.date(2026, 1, 15)),
        ("TM-24", "24 刀位刀库", 31600, 0.08, datetime.date(2026, 1, 15)),
        ("CL-20", "水基切削液 20 升", 468, 0.1, datetime.date(2026, 3, 1)),
    ]
    for row in rows:
        sheet.append(row)
        line = sheet.max_row
        sheet.cell(line, 3).number_format = "¥#,##0.00"
        sheet.cell(line, 4).number_format = "0%"
        sheet.cell(line, 5).number_format = "yyyy-mm-dd"
    warranty = book.create_sheet("Warranty")
    warranty.append(["Part", "Months", "Hours"])
    for row in [("Machine frame", 60, None), ("Electric spindle SP-12K", 18, 6000), ("Tool magazine", 24, None)]:
        warranty.append(row)
    book.save(HERE / "price-list.xlsx")


LEAFLET = """<!DOCTYPE html>
<html lang="zh">
<head><meta charset="utf-8"><title>云清片说明书</title><style>td { padding: 4px }</style></head>
<body>
<nav><a href="/">首页</a> <a href="/all">全部药品</a></nav>
<main>
<h1>云清片（示例药品）</h1>
<p>本品为虚构药品，仅用于演示。每片含云清素 250 毫克。</p>
<h2>用法用量</h2>
<table>
<tr><th>年龄</th><th>每次剂量</th><th>每日次数</th><th>每日最大剂量</th></tr>
<tr><td>成人及 12 岁以上</td><td>2 片</td><td>3</td><td>6 片（1500 毫克）</td></tr>
<tr><td>6 至 12 岁</td><td>1 片</td><td>2</td><td>2 片（500 毫克）</td></tr>
<tr><td>6 岁以下</td><td colspan="3">禁用</td></tr>
</table>
<h2>禁忌</h2>
<ul><li>对云清素过敏者禁用。</li><li>严重肝功能不全者禁用。</li><li>服药期间禁止饮酒。</li></ul>
<h2>Overdose</h2>
<p>If more than 3,000&nbsp;mg were taken, call the poison centre at 010-5550-1234 and keep the package.</p>
<h2>贮藏</h2>
<p>遮光，密封，在 25&nbsp;℃ 以下保存。有效期 24 个月。</p>
</main>
<footer>© 2026 云清药业（虚构）</footer>
<script>document.title += " "</script>
</body>
</html>
"""

NOTICE = """驿站机床安全须知

开机之前，请确认防护门已关闭，急停按钮已复位。
主轴预热不得少于 15 分钟；环境温度低于 5 摄氏度时，预热不得少于 30 分钟。

更换刀具时必须切断伺服电源，并挂上红色警示牌。
冷却液浓度应保持在 6% 至 8% 之间，每周一测量并记录。

紧急情况请按下任意一个急停按钮，然后拨打车间值班电话 8850。
值班长：欧阳喆。
"""

PARTS = """料号,名称,Name,库存,库位,最低库存
YZ-0417,主轴轴承 7014C,Spindle bearing 7014C,12,A-03-2,4
YZ-0533,"X 轴滚珠丝杠, 精度 C3","Ball screw X, grade C3",3,B-11-1,2
YZ-0612,导轨滑块 HGH25,Linear carriage HGH25,26,B-12-4,8
YZ-0788,刀库电机 0.75 kW,Magazine motor 0.75 kW,5,C-01-3,2
YZ-0841,冷却泵密封圈,Coolant pump seal,140,D-07-1,50
"""

MANUAL = """---
title: YZ-850 保养手册
version: 3.2
---

# YZ-850 保养手册

适用于 2025 年之后出厂的 YZ-850 立式加工中心。

## 日常保养 Daily care

1. 检查润滑油位，低于下刻线时加注 ISO VG 68 导轨油。
2. 清理切屑，禁止用压缩空气吹导轨。
3. 检查气源压力：应为 0.5 至 0.7 MPa。

## 定期保养

| 周期 | 项目 | 油品 |
| --- | --- | --- |
| 500 小时 | 更换切削液过滤芯 | – |
| 2000 小时 | 更换液压油 | HM 32 |
| 4000 小时 | 检查主轴拉刀力，应不小于 8 kN | – |

## Alarms

Alarm `E-217` means that the spindle is hotter than 65 °C. Stop the program, let the spindle run idle
at 500 rpm for ten minutes, then clear the alarm:

```gcode
M05      (spindle stop)
G04 P600 (wait ten minutes)
M99
```
"""


def texts():
    (HERE / "dosage-leaflet.html").write_text(LEAFLET, encoding="utf-8")
    (HERE / "safety-notice.txt").write_bytes(NOTICE.encode("gb18030"))
    (HERE / "spare-parts.csv").write_text(PARTS, encoding="utf-8-sig")
    (HERE / "maintenance-manual.md").write_text(MANUAL, encoding="utf-8")


def overview():
    deck = pptx.Presentation()
    deck.core_properties.title = "YZ-850 产品概览"
    deck.core_properties.created = deck.core_properties.modified = WHEN
    slide = deck.slides.add_slide(deck.slide_layouts[0])
    slide.shapes.title.text = "YZ-850 产品概览"
    slide.placeholders[1].text = "驿站机床 · 2026 年春季"
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = "主要特点"
    body = slide.placeholders[1].text_frame
    body.text = "主轴最高转速 12000 转/分"
    for text, level in [("定位精度 ±0.004 毫米", 0), ("按 GB/T 18400 检验", 1), ("Rapid traverse 36 m/min", 0)]:
        paragraph = body.add_paragraph()
        paragraph.text, paragraph.level = text, level
    slide.notes_slide.notes_text_frame.text = "讲解时强调：同级产品的快移速度一般为 30 m/min。"
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "技术参数 Specifications"
    inch = pptx.util.Inches
    table = slide.shapes.add_table(4, 2, inch(1), inch(2), inch(8), inch(2)).table
    cells = [("项目", "数值"), ("X/Y/Z 行程", "850 / 500 / 540 mm"), ("工作台承重", "600 kg"), ("整机重量", "5800 kg")]
    for index, row in enumerate(cells):
        for column, text in enumerate(row):
            table.cell(index, column).text = text
    deck.save(HERE / "product-overview.pptx")


LEFT = """1. Summary

In March 2026 the service team visited eleven workshops that run the YZ-850 in three shifts. The most
frequent complaint was a slow tool change after a cold start. In nine of the eleven workshops the
cause was the same: thick grease in the arm of the tool magazine.

2. Findings

At 4 °C a tool change took 7.8 seconds, at 20 °C it took 2.9 seconds. After the grease was replaced
by type LT-2, the cold value fell to 3.4 seconds. No arm had to be replaced.""".split("\n\n")

RIGHT = """3. 建议

环境温度低于 10 摄氏度的车间，应在每年十一月之前把刀库机械臂的润滑脂更换为 LT-2 型。每台机床需要 120 克，更换时间约为四十分钟。

更换之后，请在保养手册的附页上登记日期与操作者，并用红色标签标明所用的润滑脂型号。

4. Next steps

The spring edition of the maintenance manual will name LT-2 as the standard grease. Workshops that
ordered before May 2026 receive it free of charge.""".split("\n\n")


def field_report(font):
    pdfmetrics.registerFont(TTFont("Sample", font))
    page = canvas.Canvas(str(HERE / "field-report.pdf"), pagesize=A4, invariant=True)
    page.setTitle("Field report: tool change in the cold")
    width, height = A4
    page.setFont("Helvetica-Bold", 18)
    page.drawCentredString(width / 2, height - 60, "Field report: tool change in the cold")
    page.setFont("Sample", 9)
    page.drawCentredString(width / 2, height - 78, "驿站机床服务部 Yizhan Machine Works, Service")
    # The right column is drawn first: only its place tells that it is read last.
    for x, paragraphs in [(width / 2 + 12, RIGHT), (50, LEFT)]:
        y = height - 110
        for paragraph in paragraphs:
            heading = len(paragraph) < 25
            page.setFont("Sample", 12 if heading else 9.5)
            for line in wrap(paragraph.replace("\n", " "), "Sample", 9.5, width / 2 - 62):
                page.drawString(x, y, line)
                y -= 14
            y -= 8
    page.showPage()
    page.save()


def wrap(text, font, size, width):
    """Lines of at most this width; breaks at spaces and between Chinese characters."""
    lines, line, word = [], "", ""
    for ch in text + " ":
        if ch != " " and ord(ch) < 0x2E80:
            word += ch
            continue
        if pdfmetrics.stringWidth(line + word, font, size) > width:
            lines.append(line.strip())
            line = ""
        line, word = line + word + (" " if ch == " " else ""), ""
        if ch != " ":
            if pdfmetrics.stringWidth(line + ch, font, size) > width and ch not in "。，、":
                lines.append(line)
                line = ""
            line += ch
    return [line for line in lines + [line.strip()] if line]


SCAN = [
    (40, "停机检修通知"),
    (26, "各车间：定于 2026 年 6 月 14 日 8:00 至 17:30 停电检修。"),
    (26, "届时二号车间的空压机与冷却塔同时停用。"),
    (26, "请于 6 月 12 日前把待加工件移至三号库房。"),
    (26, "Compressed air will be off in hall 2 on 14 June."),
    (26, "Contact: Lin Wei, extension 8861."),
]


def picture(font):
    image = Image.new("L", (1000, 620), 250)
    draw = ImageDraw.Draw(image)
    y = 60
    for size, line in SCAN:
        draw.text((80, y), line, font=ImageFont.truetype(font, size), fill=30)
        y += size * 2 + 16
    noise = random.Random(7)
    for _ in range(900):
        image.putpixel((noise.randrange(1000), noise.randrange(620)), noise.randrange(140, 255))
    return image.rotate(0.5, fillcolor=250, resample=Image.BICUBIC).filter(ImageFilter.GaussianBlur(0.6))


def scans(font):
    image = picture(font)
    image.save(HERE / "scanned-notice.png", optimize=True)
    page = canvas.Canvas(str(HERE / "scanned-notice.pdf"), pagesize=(500, 310), invariant=True)
    data = io.BytesIO()
    image.save(data, "JPEG", quality=60)
    page.drawImage(ImageReader(data), 0, 0, 500, 310)
    page.showPage()
    page.save()


def main():
    font = sys.argv[1]
    returns_policy()
    price_list()
    texts()
    overview()
    field_report(font)
    scans(font)


if __name__ == "__main__":
    main()
